/** Bounds of a growing pause, ms. */
export interface BackoffBounds {
  firstMs: number;
  longestMs: number;
}

/**
 * How long to wait before repetition `attempt` (0 = the first): doubles from `firstMs` to `longestMs`, then a random
 * share of it between a half and the whole, so that processes cut off together do not come back together.
 * @param random a number in [0, 1)
 */
export function backoffMs(bounds: BackoffBounds, attempt: number, random: number = Math.random()): number {
  const fullMs = Math.min(bounds.longestMs, bounds.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(fullMs * (0.5 + random / 2));
}

/** The bus: many readers, and each attempt is cheap. */
export const busBackoff: BackoffBounds = { firstMs: 100, longestMs: 2_000 };
/** The API server: few processes ask, and none may stay blind for long after it is back. */
export const kubernetesBackoff: BackoffBounds = { firstMs: 500, longestMs: 5_000 };
