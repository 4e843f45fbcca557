/** Deepest nesting of arrays and objects that is read; a Kubernetes object needs about 20. */
export const deepestJson = 64;
/** Bytes of a string that tell it from others, beside its length: 8 MiB have few strings that are longer. */
const toldApartBytes = 32;
const quoteMark = 0x22;
const backslash = 0x5c;
/** What a byte outside strings adds to the depth, and to the parts. */
const depthOf = Int8Array.from(
  { length: 256 },
  (_, byte) => ({ '[': 1, '{': 1, ']': -1, '}': -1 })[String.fromCharCode(byte)] ?? 0,
);
const partsOf = Int8Array.from({ length: 256 }, (_, byte) =>
  '[{,'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/** What JSON text may have at most. */
export interface JsonLimits {
  /** Different strings, keys and values: each costs the parser most of a microsecond, a repeated one a tenth of that. */
  strings: number;
  /** Lists, objects, and what follows a comma in one. */
  parts: number;
}

/**
 * Finds what JSON text has too much of, to be asked before anything parses it or recurses into it; it stops there.
 * Without limits it looks at the nesting alone.
 */
export function findJsonExcess(
  json: Uint8Array,
  limits?: JsonLimits,
): keyof JsonLimits | 'depth' | undefined {
  const hashes = new Set<number>();
  let depth = 0;
  let parts = 0;
  for (let position = 0; position < json.length; position++) {
    const byte = json[position] ?? 0;
    if (byte === quoteMark) {
      const start = position + 1;
      position = endOfString(json, start);
      if (limits !== undefined && hashes.add(hashString(json, start, position)).size > limits.strings)
        return 'strings';
    }
    depth += depthOf[byte] ?? 0;
    parts += partsOf[byte] ?? 0;
    if (depth > deepestJson) return 'depth';
    if (limits !== undefined && parts > limits.parts) return 'parts';
  }
  return undefined;
}

function endOfString(json: Uint8Array, start: number): number {
  let position = start;
  while (position < json.length && json[position] !== quoteMark) {
    position += json[position] === backslash ? 2 : 1;
  }
  return position;
}

/** Hashes the beginning and the length of a string to 51 bits: with 32, many strings of one hash would be found easily. */
function hashString(json: Uint8Array, start: number, end: number): number {
  const last = Math.min(end, start + toldApartBytes);
  let low = end - start;
  let high = low;
  for (let position = start; position < last; position++) {
    const byte = json[position] ?? 0;
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high + byte, 0x5bd1e995) ^ (high >>> 15);
  }
  return (low >>> 0) + (high >>> 13) * 0x1_0000_0000;
}
