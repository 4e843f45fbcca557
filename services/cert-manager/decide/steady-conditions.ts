import type { SteadyForMs } from './rotation-facts.ts';

/**
 * A look at the cluster further than this from the one before says nothing of the time between: the process stood
 * still, and what it hears first may be as old as the pause.
 */
const longestGapMs = 15_000;

/** A look at the cluster that took longer is as old as its first part; nothing is decided on it. */
export const longestLookMs = 10_000;

/** For how long conditions have been true, by the monotonic clock of this process: a restart begins to count anew. */
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
