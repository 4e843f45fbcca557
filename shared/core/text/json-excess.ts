/** Deepest nesting of arrays and objects that is read; a Kubernetes object needs about 20. */
export const deepestJson = 64;
/** Bytes of a string that tell it from others, beside its length: 8 MiB have no 100,000 strings that are longer. */
const toldApartBytes = 128;
/** Keys of one object from which on V8 keeps it as a dictionary, which needs no hidden class (kMaxNumberOfDescriptors). */
const dictionaryKeys = 1_020;
const [quoteMark, backslash, colon, space] = [0x22, 0x5c, 0x3a, 0x20];
/** What a byte outside strings adds to the depth, and to the parts. */
const depthOf = Int8Array.from(
  { length: 256 },
  (_, byte) => ({ '[': 1, '{': 1, ']': -1, '}': -1 })[String.fromCharCode(byte)] ?? 0,
);
const partsOf = Int8Array.from({ length: 256 }, (_, byte) =>
  '[{,'.includes(String.fromCharCode(byte)) ? 1 : 0,
);

/** What there is too much of in a JSON text. */
export type JsonExcess = keyof JsonLimits | 'depth';

/** What JSON text may have at most. */
export interface JsonLimits {
  /** Different strings, keys and values: each costs the parser most of a microsecond, a repeated one a tenth of that. */
  strings: number;
  /** Lists, objects, and what follows a comma in one. */
  parts: number;
  /**
   * Different beginnings of objects: V8 makes a hidden class of each sequence of keys that it has not seen, at two
   * microseconds and more with the collections that it causes.
   */
  shapes: number;
}

/**
 * What of foreign JSON is parsed at most. The API server's own pods have far less: 256 secrets for 150 containers are
 * 270,000 parts, and of annotations and labels 10,000 each are read.
 */
export const foreignJsonLimits: JsonLimits = { strings: 100_000, parts: 1_000_000, shapes: 20_000 };
/** Bytes up to which nothing in JSON costs much: at its worst 0.3 microseconds a byte. */
const smallBytes = 65_536;

/** Finds what JSON of foreign origin has too much of, to be asked before it is parsed. */
export const findForeignExcess = (json: Uint8Array): JsonExcess | undefined =>
  findJsonExcess(json, json.length > smallBytes ? foreignJsonLimits : undefined);

/**
 * Finds what JSON text has too much of, to be asked before anything parses it or recurses into it; it stops there.
 * Without limits it looks at the nesting alone.
 */
export function findJsonExcess(json: Uint8Array, limits?: JsonLimits): JsonExcess | undefined {
  const counts = limits === undefined ? undefined : new JsonCounts(limits);
  let depth = 0;
  for (let position = 0; position < json.length; position++) {
    const byte = json[position] ?? 0;
    let excess: keyof JsonLimits | undefined;
    if (byte === quoteMark) {
      const start = position + 1;
      position = endOfString(json, start);
      excess = counts?.addString(json, start, position, depth);
    } else if (partsOf[byte] === 1 || depthOf[byte] !== 0) {
      depth += depthOf[byte] ?? 0;
      if (depth > deepestJson) return 'depth';
      excess = counts?.addPart(byte, depth);
    }
    if (excess !== undefined) return excess;
  }
  return undefined;
}

/** Counts what costs the parser of a JSON text. Each method returns what there is too much of by now. */
class JsonCounts {
  readonly #limits: JsonLimits;
  readonly #strings = new Set<number>();
  readonly #shapes = new Set<number>();
  #parts = 0;
  /** Of the open objects by depth, a hash of their keys so far, and the number of these. */
  readonly #keysHash = new Float64Array(deepestJson + 1);
  readonly #keys = new Uint32Array(deepestJson + 1);

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  addString(json: Uint8Array, start: number, end: number, depth: number): keyof JsonLimits | undefined {
    const hash = hashString(json, start, end);
    if (this.#strings.add(hash).size > this.#limits.strings) return 'strings';
    return isKey(json, end + 1) ? this.#addKey(hash, depth) : undefined;
  }

  /** Takes a bracket or comma, and the depth after it. */
  addPart(byte: number, depth: number): keyof JsonLimits | undefined {
    if ((depthOf[byte] ?? 0) > 0) {
      this.#keysHash[depth] = 0;
      this.#keys[depth] = 0;
    }
    this.#parts += partsOf[byte] ?? 0;
    return this.#parts > this.#limits.parts ? 'parts' : undefined;
  }

  #addKey(hash: number, depth: number): keyof JsonLimits | undefined {
    const count = (this.#keys[depth] ?? 0) + 1;
    if (count > dictionaryKeys) return undefined;
    const keysHash = mixHashes(this.#keysHash[depth] ?? 0, hash);
    this.#keys[depth] = count;
    this.#keysHash[depth] = keysHash;
    return this.#shapes.add(keysHash).size > this.#limits.shapes ? 'shapes' : undefined;
  }
}

/** Whether the string that ends before this position is a key. */
function isKey(json: Uint8Array, end: number): boolean {
  let position = end;
  while ((json[position] ?? colon) <= space) position += 1;
  return json[position] === colon;
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
  return joinHalves(low, high);
}

/** Hashes a sequence that goes on, to 51 bits: of the hash of what came before, and that of what comes next. */
function mixHashes(before: number, next: number): number {
  const [low, high] = [before | 0, Math.floor(before / 0x1_0000_0000)];
  const mixedLow = Math.imul(low ^ (low >>> 15) ^ next, 0x2c1b3c6d);
  const mixedHigh = Math.imul(high + mixedLow, 0x5bd1e995) ^ Math.floor(next / 0x1_0000_0000);
  return joinHalves(mixedLow ^ (mixedHigh >>> 12), mixedHigh);
}

const joinHalves = (low: number, high: number): number => (low >>> 0) + (high >>> 13) * 0x1_0000_0000;
