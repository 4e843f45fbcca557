import type { Clock } from '#shared/runtime/clock.ts';

/**
 * Shares an expensive result among callers. At most one is made at a time, and none while the last one is younger than
 * `forMs`. A failure goes to the callers that waited for it and is not kept.
 */
export function shareRecent<T>(
  make: () => Promise<T>,
  forMs: number,
  clock: Pick<Clock, 'monotonicMs'>,
): () => Promise<T> {
  let last: { result: Promise<T>; madeAtMs: number } | undefined;
  return () => {
    if (last !== undefined && clock.monotonicMs() - last.madeAtMs < forMs) return last.result;
    const made = { result: make(), madeAtMs: Number.POSITIVE_INFINITY };
    last = made;
    made.result.then(
      () => {
        made.madeAtMs = clock.monotonicMs();
      },
      () => {
        if (last === made) last = undefined;
      },
    );
    return made.result;
  };
}
