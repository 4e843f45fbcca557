import { GoneKeys } from '#shared/bus/records/gone-keys.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** What a tombstone takes beside the name, which stands in its key and in NATS's index of keys, bytes. */
const tombstoneBytes = 300;

/** Computes what a name that went is charged, bytes. */
export const goneBytesOf = (name: string): number => tombstoneBytes + 2 * name.length;

/** Remembers the names that went, and what those of a namespace are charged for their tombstones. */
export class GoneNames {
  /** Keyed by `<namespace>/<name>`. */
  readonly #keys: GoneKeys;
  readonly #bytes = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#keys = new GoneKeys(clock, (key) => {
      const [namespace = '', name = ''] = key.split('/');
      this.#charge(namespace, -goneBytesOf(name));
    });
  }

  note(namespace: string, name: string): void {
    this.#keys.note(`${namespace}/${name}`);
    this.#charge(namespace, goneBytesOf(name));
  }

  forget(namespace: string, name: string): void {
    this.#keys.forget(`${namespace}/${name}`);
  }

  has(namespace: string, name: string): boolean {
    return this.#keys.has(`${namespace}/${name}`);
  }

  /** Returns what the names that went in a namespace are charged, bytes. */
  bytesOf(namespace: string): number {
    this.#keys.forgetExpired();
    return this.#bytes.get(namespace) ?? 0;
  }

  #charge(namespace: string, bytes: number): void {
    const sum = (this.#bytes.get(namespace) ?? 0) + bytes;
    if (sum === 0) this.#bytes.delete(namespace);
    else this.#bytes.set(namespace, sum);
  }
}
