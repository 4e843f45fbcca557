/**
 * Gives decisions `share` times the event-loop time that everything else took since the last slice (handshakes, reading,
 * refusals): whatever comes in, most of the time goes to answers that a caller waits for. A slice ends after `mostMs`, so
 * that a process that stood still does not repay all of it at once: handshakes take several turns of the event loop, and
 * the probes wait as well.
 */
const slices = { share: 2, leastMs: 10, mostMs: 1_000 };

/** Queues complete requests for their decision, in the order in which they came. */
export interface DecisionQueue {
  /** Calls `decide` once, later, with how long it has waited, ms. */
  add(decide: (waitedMs: number) => void): void;
  count(): number;
  /** Tells how long the first of them has waited, ms; 0 when none does. */
  waitMs(): number;
}

/**
 * @param nextTurn calls its argument once, after all that is ready has been handled (`setImmediate`)
 * @param mostMs longest slice
 */
export function createDecisionQueue(
  monotonicMs: () => number,
  nextTurn: (decideSome: () => void) => void,
  mostMs: number = slices.mostMs,
): DecisionQueue {
  let waiting: { decide: (waitedMs: number) => void; sinceMs: number }[] = [];
  let first = 0;

  const waitForTurn = (): void => {
    const askedAtMs = monotonicMs();
    nextTurn(() => decideSome(monotonicMs() - askedAtMs));
  };
  const decideSome = (othersTookMs: number): void => {
    const { share, leastMs } = slices;
    const endMs = monotonicMs() + Math.min(Math.max(share * othersTookMs, leastMs), mostMs);
    try {
      for (let next = waiting[first]; next !== undefined; next = waiting[first]) {
        first += 1;
        next.decide(monotonicMs() - next.sinceMs);
        if (monotonicMs() >= endMs) break;
      }
    } finally {
      waiting = waiting.slice(first);
      first = 0;
      if (waiting.length > 0) waitForTurn();
    }
  };

  return {
    add: (decide) => {
      waiting.push({ decide, sinceMs: monotonicMs() });
      if (waiting.length === 1) waitForTurn();
    },
    count: () => waiting.length - first,
    waitMs: () => monotonicMs() - (waiting[first]?.sinceMs ?? monotonicMs()),
  };
}
