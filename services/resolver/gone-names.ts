import { tombstoneTtlMs } from '#shared/bus/records/record.ts';
import { keyTokenLength } from '#shared/contracts/bus/key-token.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** So long a name is remembered, ms: its tombstone in the rules bucket, and the time until that is written. */
export const goneMs = tombstoneTtlMs + 60_000;

/** What a tombstone takes beside the name in its key, bytes. */
const tombstoneBytes = 300;

/** Computes what the tombstone of a name takes of the rules bucket, bytes. */
export const tombstoneCost = (secret: string): number => tombstoneBytes + keyTokenLength(secret);

/** Remembers the names that went from a provider's lists, for as long as the bucket may hold a tombstone of each. */
export class GoneNames {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** When a name is forgotten; each stays as long, so the next stands first. */
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Notes what one list has in the place of that before. */
  note(before: Iterable<string>, listed: { has(secret: string): boolean }): void {
    const untilMs = this.#clock.monotonicMs() + goneMs;
    for (const secret of this.#untilMs.keys()) if (listed.has(secret)) this.#untilMs.delete(secret);
    for (const secret of before) if (!listed.has(secret)) this.#untilMs.set(secret, untilMs);
  }

  names(): Iterable<string> {
    const nowMs = this.#clock.monotonicMs();
    for (const [secret, untilMs] of this.#untilMs) {
      if (untilMs > nowMs) break;
      this.#untilMs.delete(secret);
    }
    return this.#untilMs.keys();
  }
}
