import type { Clock } from './clock.ts';

/** Says whether a line may be logged now, and how many were held back since the one before; undefined: hold it back. */
export type LineLimit = () => { heldBack?: number } | undefined;

const mostLines = 20;
const everyMs = 10_000;

/**
 * Limits the lines of one kind that others can cause without end: twenty in ten seconds are told, the next one says how many
 * were not.
 */
export function createLineLimit(clock: Pick<Clock, 'monotonicMs'>): LineLimit {
  let sinceMs = -Infinity;
  let lines = 0;
  let heldBack = 0;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - sinceMs >= everyMs) {
      sinceMs = nowMs;
      lines = 0;
    }
    lines += 1;
    if (lines > mostLines) {
      heldBack += 1;
      return undefined;
    }
    const told = heldBack > 0 ? { heldBack } : {};
    heldBack = 0;
    return told;
  };
}
