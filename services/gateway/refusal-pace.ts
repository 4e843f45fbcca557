import type { Clock } from '#shared/runtime/clock.ts';

/**
 * To read and refuse a request costs about a tenth of a decision. A caller that is refused at once and comes again at once
 * would soon get all of the gateway's time, and nobody a decision: so each decision pays for one refusal, however fast
 * the machine is, and the others are held back. An API server has a limited number of calls in progress (600 by default):
 * one that waits for its refusal is one that does not come again. Who follows `Retry-After` hardly ever waits.
 */
export const refusalLimits = { atOnce: 200, holdMs: 1_000 };

const tickMs = 50;

/** Gives refusals out at a bounded pace. */
export interface RefusalPace {
  /** Calls `answer` now or later, once. */
  refuse(answer: () => void): void;
  /** Tells of a decision. */
  decided(): void;
  stop(): void;
}

/** @param limits how many refusals are given without a decision, and the longest time that one is held, ms */
export function createRefusalPace(
  clock: Pick<Clock, 'monotonicMs' | 'every'>,
  limits = refusalLimits,
): RefusalPace {
  let held: { answer: () => void; sinceMs: number }[] = [];
  let allowance = limits.atOnce;
  const stop = clock.every(tickMs, () => {
    const freshFrom = held.findIndex(({ sinceMs }) => clock.monotonicMs() - sinceMs < limits.holdMs);
    const due = Math.max(allowance, freshFrom < 0 ? held.length : freshFrom);
    const now = held.slice(0, due);
    held = held.slice(due);
    allowance = Math.max(0, allowance - now.length);
    for (const { answer } of now) answer();
  });
  return {
    stop,
    decided: () => {
      allowance = Math.min(limits.atOnce, allowance + 1);
    },
    refuse: (answer) => {
      if (held.length === 0 && allowance > 0) {
        allowance -= 1;
        answer();
      } else held.push({ answer, sinceMs: clock.monotonicMs() });
    },
  };
}
