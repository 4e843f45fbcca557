/** Limits above which the gateway takes no more requests. */
export const loadLimits = {
  /**
   * Longest time, ms, that the first of the waiting requests has waited: a fifth of the API server's 5 s. A number of
   * requests would not do, for what a decision costs depends on the machine.
   */
  waitMs: 1_000,
  /** Number of requests that may wait, however long: a process that stood still for a moment is not overloaded. */
  waiting: 32,
  /** Bytes of bodies that wait, or are not complete yet. */
  heldBytes: 64 * 1024 * 1024,
};

/** Describes the load at one moment, or the most that is allowed. */
export type Load = typeof loadLimits;

/** Tells whether one more request would wait, or make others wait, longer than the limits allow. */
export function isOverloaded(load: Load, limits: Load): boolean {
  return (load.waitMs > limits.waitMs && load.waiting > limits.waiting) || load.heldBytes > limits.heldBytes;
}
