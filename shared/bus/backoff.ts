const baseMs = 100;
const maxMs = 2_000;

/**
 * How long to wait before attempt `attempt` (1 = the first one after a failure): doubles from 100 ms to 2 s, then a
 * random share of it between a half and the whole, so that many processes do not come back in step.
 */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 10));
  return ceiling / 2 + (ceiling / 2) * random();
}
