import type { Clock } from '#shared/runtime/clock.ts';

/**
 * To read and refuse a request costs about a tenth of a decision. A caller that is refused at once and comes again at once
 * would soon get all of the gateway's time, and nobody a decision: so each decision pays for one refusal, however fast
 * the machine is, and the others are held back. An API server has a limited number of calls in progress (600 by default):
 * one that waits for its refusal is one that does not come again. Who follows `Retry-After` hardly ever waits.
 *
 * A call that times out while it is held gives up its connection, and the next handshake costs as much as a decision: so
 * it is held for half of what it is told to wait.
 */
export const refusalLimits = { atOnce: 200, holdMs: 500, mostHeld: 4_096 };

const tickMs = 50;

/** Gives refusals out at a bounded pace. */
export interface RefusalPace {
  /** Calls `answer` now or later, once. */
  refuse(answer: () => void): void;
  /** Tells of a decision. */
  decided(): void;
  /** Answers all that are held, and from now on at once. */
  stop(): void;
}

/**
 * @param limits how many refusals are given without a decision, the longest time that one is held, ms, and how many are
 * held at most: one more is answered at once
 */
export function createRefusalPace(
  clock: Pick<Clock, 'monotonicMs' | 'every'>,
  limits = refusalLimits,
): RefusalPace {
  let held: { answer: () => void; sinceMs: number }[] = [];
  let allowance = limits.atOnce;
  let stopped = false;
  const stopTicks = clock.every(tickMs, () => {
    const freshFrom = held.findIndex(({ sinceMs }) => clock.monotonicMs() - sinceMs < limits.holdMs);
    const due = Math.max(allowance, freshFrom < 0 ? held.length : freshFrom);
    const now = held.slice(0, due);
    held = held.slice(due);
    allowance = Math.max(0, allowance - now.length);
    for (const { answer } of now) answer();
  });
  return {
    stop: () => {
      stopTicks();
      stopped = true;
      for (const { answer } of held.splice(0)) answer();
    },
    decided: () => {
      allowance = Math.min(limits.atOnce, allowance + 1);
    },
    refuse: (answer) => {
      const isNext = held.length === 0 && allowance > 0;
      if (isNext) allowance -= 1;
      if (isNext || stopped || held.length >= limits.mostHeld) answer();
      else held.push({ answer, sinceMs: clock.monotonicMs() });
    },
  };
}
