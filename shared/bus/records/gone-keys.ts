import type { Clock } from '#shared/runtime/clock.ts';
import { tombstoneTtlMs } from './record.ts';

/** So long a key is remembered, ms: its tombstone of ten minutes, and the time until that is written. */
export const goneMs = tombstoneTtlMs + 60_000;

/** Remembers the keys that went, for as long as a bucket may hold a tombstone of each. */
export class GoneKeys {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #onForget: (key: string) => void;
  /** When a key is forgotten; each stays as long, so the next stands first. */
  readonly #untilMs = new Map<string, number>();

  /** @param onForget called for each key that is remembered no more */
  constructor(clock: Pick<Clock, 'monotonicMs'>, onForget: (key: string) => void = () => undefined) {
    this.#clock = clock;
    this.#onForget = onForget;
  }

  /** Notes that a key went now; one that is remembered already is forgotten first. */
  note(key: string): void {
    this.forget(key);
    this.#untilMs.set(key, this.#clock.monotonicMs() + goneMs);
  }

  /** Forgets a key, such as one that is back. */
  forget(key: string): void {
    if (this.#untilMs.delete(key)) this.#onForget(key);
  }

  has(key: string): boolean {
    this.forgetExpired();
    return this.#untilMs.has(key);
  }

  keys(): Iterable<string> {
    this.forgetExpired();
    return this.#untilMs.keys();
  }

  forgetExpired(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [key, untilMs] of this.#untilMs) {
      if (untilMs > nowMs) return;
      this.forget(key);
    }
  }
}
