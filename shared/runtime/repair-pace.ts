import { type BackoffBounds, backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';

/** How fast what somebody undoes again and again is put right: he is not raced, which would cost everybody's time. */
export interface RepairPace {
  /** How long the next repair of this has to wait, ms. @param wanted what it is to be; another wish begins anew */
  waitMs(what: string, wanted?: string): number;
  /** Notes a repair; returns how many there were in a row. */
  repaired(what: string, wanted?: string): number;
  /** What was repaired more than once in a row lately. */
  undone(): { what: string; count: number }[];
}

/** Repairs in a row that are made at once. */
export const promptRepairs = 3;

/** @param bounds of the pause after each further one; where nothing was repaired for twice the longest the count begins anew */
export function createRepairPace(bounds: BackoffBounds, clock: Pick<Clock, 'monotonicMs'>): RepairPace {
  /** The latest last: what is quiet stands at the front, and is forgotten. */
  const repairs = new Map<string, { wanted: string; count: number; atMs: number; nextAtMs: number }>();
  const quietMs = 2 * bounds.longestMs;
  const lately = (what: string, wanted: string) => {
    const last = repairs.get(what);
    return last?.wanted === wanted && clock.monotonicMs() - last.atMs <= quietMs ? last : undefined;
  };
  const forgetQuiet = (nowMs: number): void => {
    for (const [what, { atMs }] of repairs) {
      if (nowMs - atMs <= quietMs) return;
      repairs.delete(what);
    }
  };
  return {
    waitMs: (what, wanted = '') => Math.max(0, (lately(what, wanted)?.nextAtMs ?? 0) - clock.monotonicMs()),
    repaired: (what, wanted = '') => {
      const atMs = clock.monotonicMs();
      const count = (lately(what, wanted)?.count ?? 0) + 1;
      const delayMs = count < promptRepairs ? 0 : backoffMs(bounds, count - promptRepairs);
      repairs.delete(what);
      forgetQuiet(atMs);
      repairs.set(what, { wanted, count, atMs, nextAtMs: atMs + delayMs });
      return count;
    },
    undone: () =>
      Array.from(repairs, ([what, { wanted, count }]) =>
        count > 1 && lately(what, wanted) !== undefined ? { what, count } : [],
      ).flat(),
  };
}
