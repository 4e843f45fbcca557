import { createHash } from 'node:crypto';

/**
 * Digests of a set of records. The digest of a set is the sum, modulo 2^256, of SHA-256(key, a zero byte, bytes) over
 * its records: the order does not matter and one change costs one hash, whatever the size of the set.
 */
const modulus = 1n << 256n;

const hashOf = (key: string, bytes: Uint8Array): bigint =>
  BigInt(`0x${createHash('sha256').update(key).update('\0').update(bytes).digest('hex')}`);

/** SHA-256 of a recipe's bytes as hex; the empty string where there is none. */
export const recipeDigest = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? '' : createHash('sha256').update(bytes).digest('hex');

/** A set of records by key of which count and digest are always at hand. */
export interface DigestSet {
  /** Adds the record or replaces the one of the same key. */
  set(key: string, bytes: Uint8Array): void;
  /** Adds the record of a key as another set has it, without hashing it again; returns whether that has one. */
  take(key: string, from: DigestSet): boolean;
  /** Returns the hash of the record of a key. */
  hashOf(key: string): bigint | undefined;
  /** Takes the record of the key out, if there is one. */
  delete(key: string): void;
  readonly count: number;
  /** 64 hex digits; all zeros for the empty set. */
  digest(): string;
}

export function createDigestSet(): DigestSet {
  const hashes = new Map<string, bigint>();
  let sum = 0n;
  const add = (hash: bigint) => {
    sum = (sum + hash) % modulus;
  };
  const remove = (key: string) => {
    const hash = hashes.get(key);
    if (hash === undefined) return;
    hashes.delete(key);
    add(modulus - hash);
  };
  const put = (key: string, hash: bigint) => {
    remove(key);
    hashes.set(key, hash);
    add(hash);
  };
  return {
    set: (key, bytes) => put(key, hashOf(key, bytes)),
    take(key, from) {
      const hash = from.hashOf(key);
      if (hash === undefined) return false;
      put(key, hash);
      return true;
    },
    hashOf: (key) => hashes.get(key),
    delete: remove,
    get count() {
      return hashes.size;
    },
    digest: () => sum.toString(16).padStart(64, '0'),
  };
}
