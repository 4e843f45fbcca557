import { tombstoneTtlMs } from '#shared/bus/records/record.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** So long a name is remembered, ms: its tombstones of inventory and rules, and the time until they are written. */
export const goneMs = tombstoneTtlMs + 60_000;

/** What a tombstone takes beside the name, which stands in its key and in NATS's index of keys, bytes. */
const tombstoneBytes = 300;

/** Computes what a name that went is charged, bytes. */
export const goneBytesOf = (name: string): number => tombstoneBytes + 2 * name.length;

/** Remembers the names that went, by namespace, for as long as the buckets may hold a tombstone of each. */
export class GoneNames {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** When a name is forgotten, by `<namespace>/<name>`; each stays as long, so the next stands first. */
  readonly #untilMs = new Map<string, number>();
  readonly #bytes = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  note(namespace: string, name: string): void {
    this.forget(namespace, name);
    this.#untilMs.set(`${namespace}/${name}`, this.#clock.monotonicMs() + goneMs);
    this.#charge(namespace, goneBytesOf(name));
  }

  forget(namespace: string, name: string): void {
    if (this.#untilMs.delete(`${namespace}/${name}`)) this.#charge(namespace, -goneBytesOf(name));
  }

  has(namespace: string, name: string): boolean {
    this.#forgetExpired();
    return this.#untilMs.has(`${namespace}/${name}`);
  }

  /** Returns what the names that went in a namespace are charged, bytes. */
  bytesOf(namespace: string): number {
    this.#forgetExpired();
    return this.#bytes.get(namespace) ?? 0;
  }

  #forgetExpired(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, untilMs] of this.#untilMs) {
      if (untilMs > nowMs) return;
      const [namespace = '', name = ''] = key.split('/');
      this.forget(namespace, name);
    }
  }

  #charge(namespace: string, bytes: number): void {
    const sum = (this.#bytes.get(namespace) ?? 0) + bytes;
    if (sum === 0) this.#bytes.delete(namespace);
    else this.#bytes.set(namespace, sum);
  }
}
