import { HashSet } from './hash-set.ts';

/** Deepest nesting of arrays and objects that is read; a Kubernetes object needs about 20. */
export const deepestJson = 64;
/** Bytes of a string that tell it from others, beside its length: 8 MiB have no 100,000 strings that are longer. */
const toldApartBytes = 128;
/** Keys of one object from which on V8 keeps it as a dictionary, which needs no hidden class (kMaxNumberOfDescriptors). */
const dictionaryKeys = 1_020;
const [quoteMark, backslash, colon, space] = [0x22, 0x5c, 0x3a, 0x20];

/** What a byte outside strings is. Most are digits and white space, or a letter of `null`. */
const [other, quoted, comma, opening, closing] = [0, 1, 2, 3, 4];
const kindOf = Uint8Array.from({ length: 256 }, (_, byte) => {
  const kinds = { '"': quoted, ',': comma, '[': opening, '{': opening, ']': closing, '}': closing };
  return kinds[String.fromCharCode(byte) as keyof typeof kinds] ?? other;
});

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
  if (limits === undefined) return isTooDeep(json) ? 'depth' : undefined;
  const counts = new JsonCounts(limits);
  for (let position = 0; position < json.length; position++) {
    const kind = kindOf[json[position] as number];
    if (kind === other) continue;
    let excess: JsonExcess | undefined;
    if (kind === quoted) {
      const start = position + 1;
      position = endOfString(json, start);
      excess = counts.addString(json, start, position);
    } else if (kind === closing) counts.close();
    else excess = kind === opening ? counts.open() : counts.addPart();
    if (excess !== undefined) return excess;
  }
  return undefined;
}

function isTooDeep(json: Uint8Array): boolean {
  let depth = 0;
  for (let position = 0; position < json.length; position++) {
    const kind = kindOf[json[position] as number];
    if (kind === quoted) position = endOfString(json, position + 1);
    else if (kind === closing) depth -= 1;
    else if (kind === opening && ++depth > deepestJson) return true;
  }
  return false;
}

/** Counts what costs the parser of a JSON text. Each method returns what there is too much of by now. */
class JsonCounts {
  readonly #limits: JsonLimits;
  readonly #strings = new HashSet();
  readonly #shapes = new HashSet();
  #parts = 0;
  #depth = 0;
  /** Of the open objects by depth, a hash of their keys so far, and the number of these. */
  readonly #keysHash = new Float64Array(deepestJson + 1);
  readonly #keys = new Uint32Array(deepestJson + 1);

  constructor(limits: JsonLimits) {
    this.#limits = limits;
  }

  addString(json: Uint8Array, start: number, end: number): JsonExcess | undefined {
    const hash = hashString(json, start, end);
    if (this.#strings.add(hash) > this.#limits.strings) return 'strings';
    return isKey(json, end + 1) ? this.#addKey(hash) : undefined;
  }

  open(): JsonExcess | undefined {
    this.#depth += 1;
    if (this.#depth > deepestJson) return 'depth';
    this.#keysHash[this.#depth] = 0;
    this.#keys[this.#depth] = 0;
    return this.addPart();
  }

  close(): void {
    this.#depth -= 1;
  }

  addPart(): JsonExcess | undefined {
    this.#parts += 1;
    return this.#parts > this.#limits.parts ? 'parts' : undefined;
  }

  #addKey(hash: number): JsonExcess | undefined {
    const depth = this.#depth;
    const count = (this.#keys[depth] ?? 0) + 1;
    if (count > dictionaryKeys) return undefined;
    const keysHash = mixHashes(this.#keysHash[depth] ?? 0, hash);
    this.#keys[depth] = count;
    this.#keysHash[depth] = keysHash;
    return this.#shapes.add(keysHash) > this.#limits.shapes ? 'shapes' : undefined;
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
  for (; position < json.length; position++) {
    const byte = json[position];
    if (byte === quoteMark) break;
    if (byte === backslash) position += 1;
  }
  return position;
}

/**
 * What the hashes of this process begin with and multiply by. Were they known, somebody could write texts that all go
 * into one slot, and 275 KB of them would take a second.
 */
const [seedLow = 0, seedHigh = 0, factorLow = 1, factorHigh = 1] = crypto
  .getRandomValues(new Uint32Array(4))
  .map((word, index) => (index < 2 ? word : word | 1));

/** Hashes the beginning and the length of a string to 51 bits: with 32, many strings of one hash would be found easily. */
function hashString(json: Uint8Array, start: number, end: number): number {
  const last = Math.min(end, start + toldApartBytes);
  let low = (end - start) ^ seedLow;
  let high = (end - start) ^ seedHigh;
  for (let position = start; position < last; position++) {
    const byte = json[position] as number;
    low = Math.imul(low ^ byte, factorLow);
    high = Math.imul(high + byte, factorHigh) ^ (high >>> 15);
  }
  return joinHalves(low, high);
}

/** Hashes a sequence that goes on, to 51 bits: of the hash of what came before, and that of what comes next. */
function mixHashes(before: number, next: number): number {
  const [low, high] = [before | 0, Math.floor(before / 0x1_0000_0000)];
  const mixedLow = Math.imul(low ^ (low >>> 15) ^ next, factorLow);
  const mixedHigh = Math.imul(high + mixedLow, factorHigh) ^ Math.floor(next / 0x1_0000_0000);
  return joinHalves(mixedLow ^ (mixedHigh >>> 12), mixedHigh);
}

/** Joins both halves to an integer that is not 0. Each bit of one says something of every bit of the other. */
function joinHalves(low: number, high: number): number {
  let mixed = Math.imul(low ^ (high >>> 16) ^ seedHigh, factorHigh);
  mixed ^= mixed >>> 15;
  return 1 + (mixed >>> 0) + (high >>> 13) * 0x1_0000_0000;
}
