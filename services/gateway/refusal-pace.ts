import type { Clock } from '#shared/runtime/clock.ts';

/**
 * How many refusals are answered a second, and the longest time that one is held back for that, ms. Reading and refusing
 * a request costs a tenth of deciding it: a caller that is refused at once and comes again at once would soon get all of
 * the gateway's time, and nobody an answer. The API server has a limited number of calls in progress (600 by default), so
 * that one which waits for its refusal is one that does not come again. 2,000 cost less than a tenth of a core.
 */
export const refusalLimits = { perSecond: 2_000, holdMs: 1_000 };

const tickMs = 100;

/** Gives refusals out at a bounded pace, the first ones of each moment at once. */
export interface RefusalPace {
  /** Calls `answer` now or later, once. */
  refuse(answer: () => void): void;
  stop(): void;
}

export function createRefusalPace(
  clock: Pick<Clock, 'monotonicMs' | 'every'>,
  limits = refusalLimits,
): RefusalPace {
  const perTick = (limits.perSecond * tickMs) / 1_000;
  let held: { answer: () => void; sinceMs: number }[] = [];
  let left = perTick;
  const stop = clock.every(tickMs, () => {
    const overdueMs = clock.monotonicMs() - limits.holdMs;
    const overdue = held.findIndex(({ sinceMs }) => sinceMs > overdueMs);
    const due = Math.max(perTick, overdue < 0 ? held.length : overdue);
    left = Math.max(0, perTick - held.length);
    const now = held.slice(0, due);
    held = held.slice(due);
    for (const { answer } of now) answer();
  });
  return {
    stop,
    refuse: (answer) => {
      if (left > 0) {
        left -= 1;
        answer();
      } else held.push({ answer, sinceMs: clock.monotonicMs() });
    },
  };
}
