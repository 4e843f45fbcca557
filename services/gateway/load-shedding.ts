import type { Clock } from '#shared/runtime/clock.ts';

/**
 * When the gateway is too busy to take a request. A decision never waits, so a queue is nothing but a busy event loop:
 * it is measured in time, whatever a decision costs on this machine. A count of requests would not do: slow clients
 * would use it up.
 */
export const loadLimits = {
  /**
   * Longest time, ms, that requests wait for their turn: a tenth of the API server's 5 s, and half of the second that a
   * refused one has to wait.
   */
  turnMs: 500,
  /** So many requests are taken in every turn, however long: a process that stood still for a moment is not overloaded. */
  turnRequests: 32,
  /** How late the event loop runs its timers, ms: everything else is at least as late, here half the API server's time. */
  lagMs: 2_500,
  /** Bytes of bodies that are not complete yet. */
  heldBytes: 64 * 1024 * 1024,
};

/** The load at one moment, or the most that is allowed. */
export type Load = typeof loadLimits;

/** Whether one more request would wait, or make others wait, longer than the limits allow. */
export function isOverloaded(load: Load, limits: Load): boolean {
  return (
    (load.turnMs > limits.turnMs && load.turnRequests >= limits.turnRequests) ||
    load.lagMs > limits.lagMs ||
    load.heldBytes > limits.heldBytes
  );
}

/** The current turn of the event loop: all that it found ready in one poll. */
interface TurnMeter {
  /** Since the first request of the turn, ms. */
  turnMs(): number;
  /** Requests taken in it. */
  turnRequests(): number;
  /** Tells of a request that is taken. */
  take(): void;
}

/** @param afterTurn calls its argument once, after all that was ready has been handled (`setImmediate`) */
export function createTurnMeter(
  monotonicMs: () => number,
  afterTurn: (endTurn: () => void) => void,
): TurnMeter {
  let beganAtMs: number | undefined;
  let requests = 0;
  return {
    turnRequests: () => requests,
    take: () => {
      requests += 1;
    },
    turnMs: () => {
      const nowMs = monotonicMs();
      if (beganAtMs !== undefined) return nowMs - beganAtMs;
      beganAtMs = nowMs;
      afterTurn(() => {
        beganAtMs = undefined;
        requests = 0;
      });
      return 0;
    },
  };
}

const lagCheckMs = 50;

/** Follows how late the event loop is, ms, by monotonic time: the wall clock may jump. Call `stop` to end it. */
export function watchLag(clock: Clock): { lagMs: () => number; stop: () => void } {
  let expectedAtMs = clock.monotonicMs() + lagCheckMs;
  let lagMs = 0;
  const stop = clock.every(lagCheckMs, () => {
    lagMs = Math.max(0, clock.monotonicMs() - expectedAtMs);
    expectedAtMs = clock.monotonicMs() + lagCheckMs;
  });
  return { lagMs: () => lagMs, stop };
}
