import type { SteadyForMs } from './rotation-facts.ts';

/**
 * Restarts the count after a longer gap between two observations. The process stood still meanwhile, and what it hears
 * first may be as old as the pause.
 */
const longestGapMs = 15_000;

/** Measures for how long conditions have been true, by the monotonic clock of this process; a restart counts from zero. */
export interface SteadyConditions {
  /** Notes which conditions hold now. */
  note(conditions: Iterable<string>, monotonicMs: number): SteadyForMs;
}

export function createSteadyConditions(): SteadyConditions {
  let since = new Map<string, number>();
  let notedMs = Number.NEGATIVE_INFINITY;
  return {
    note: (conditions, monotonicMs) => {
      if (monotonicMs - notedMs > longestGapMs) since = new Map();
      notedMs = monotonicMs;
      since = new Map(
        Array.from(conditions, (condition) => [condition, since.get(condition) ?? monotonicMs]),
      );
      return (condition) => monotonicMs - (since.get(condition) ?? monotonicMs);
    },
  };
}
