import { type BackoffBounds, backoffMs } from '#shared/runtime/backoff.ts';

/** Counts the failures in a row from which the pauses are long. */
export const longPauseFrom = 5;
const shortPause: BackoffBounds = { firstMs: 1_000, longestMs: 15_000 };
const longPause: BackoffBounds = { firstMs: 30_000, longestMs: 300_000 };

/**
 * Computes the pause after so many failures in a row, ms. A provider that fails repeatedly gets long pauses, since each
 * attempt may cost it many calls.
 * @param random a number in [0, 1): the pause is that share between half and the whole of its length
 */
export function providerBackoffMs(failures: number, random: number = Math.random()): number {
  return failures < longPauseFrom
    ? backoffMs(shortPause, failures - 1, random)
    : backoffMs(longPause, failures - longPauseFrom, random);
}
