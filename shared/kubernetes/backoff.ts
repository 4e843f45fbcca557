const firstMs = 500;
/** Short, because few processes watch and none may stay blind for long after the API server is back. */
const longestMs = 5_000;

/**
 * Delay before try number `attempt` (0 = the first repetition): doubling from 0.5 s to 5 s, between half and all of it,
 * so that clients cut off together do not return together. `random` is a number in [0, 1).
 */
export function backoffMs(attempt: number, random: number): number {
  const fullMs = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 16));
  return Math.round(fullMs * (0.5 + random / 2));
}
