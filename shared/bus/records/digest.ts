import { hash } from 'node:crypto';

/**
 * Digests of a set of records. The digest of a set is the sum, modulo 2^256, of SHA-256(key, a zero byte, bytes) over
 * its records: the order does not matter and one change costs one hash, whatever the size of the set.
 */
const digestBits = 256;
/** Where what is hashed is put together; what is longer has a buffer of its own. */
const scratch = Buffer.alloc(16_384);
/** Most bytes of a character in UTF-8. */
const mostCharacterBytes = 3;

/** Returns what a record adds to the digest of its set. */
export function recordHash(key: string, bytes: Uint8Array): bigint {
  const most = mostCharacterBytes * key.length + 1 + bytes.length;
  const whole = most > scratch.length ? Buffer.allocUnsafe(most) : scratch;
  const keyBytes = whole.write(key);
  whole[keyBytes] = 0;
  whole.set(bytes, keyBytes + 1);
  return BigInt(`0x${hash('sha256', whole.subarray(0, keyBytes + 1 + bytes.length), 'hex')}`);
}

/** SHA-256 of a recipe's bytes as hex; the empty string where there is none. */
export const recipeDigest = (bytes: Uint8Array | undefined): string =>
  bytes === undefined ? '' : hash('sha256', bytes, 'hex');

/** Count and digest of a set of which somebody else keeps the hashes. */
export class DigestSum {
  #count = 0;
  #sum = 0n;

  get count(): number {
    return this.#count;
  }

  /** Adds a record by its {@link recordHash}. */
  add(hash: bigint): void {
    this.#count += 1;
    this.#sum = BigInt.asUintN(digestBits, this.#sum + hash);
  }

  /** Takes out a record that was added. */
  remove(hash: bigint): void {
    this.#count -= 1;
    this.#sum = BigInt.asUintN(digestBits, this.#sum - hash);
  }

  /** 64 hex digits; all zeros for the empty set. */
  digest(): string {
    return this.#sum.toString(16).padStart(digestBits / 4, '0');
  }
}

/** A set of records by key of which count and digest are always at hand. */
export interface DigestSet {
  /** Adds the record or replaces the one of the same key. */
  set(key: string, bytes: Uint8Array): void;
  /** Takes the record of the key out, if there is one. */
  delete(key: string): void;
  readonly count: number;
  /** 64 hex digits; all zeros for the empty set. */
  digest(): string;
}

export function createDigestSet(): DigestSet {
  const hashes = new Map<string, bigint>();
  const sum = new DigestSum();
  const remove = (key: string) => {
    const known = hashes.get(key);
    if (known === undefined) return;
    hashes.delete(key);
    sum.remove(known);
  };
  return {
    set(key, bytes) {
      remove(key);
      const added = recordHash(key, bytes);
      hashes.set(key, added);
      sum.add(added);
    },
    delete: remove,
    get count() {
      return hashes.size;
    },
    digest: () => sum.digest(),
  };
}
