import type { FastifyInstance } from 'fastify';
import type { Clock } from '#shared/runtime/clock.ts';

/** When the gateway is too busy to answer within the API server's deadline. */
export const loadLimits = {
  /** Requests whose answer is not sent yet. */
  inFlight: 500,
  /** How late the event loop runs its timers, ms: everything else is at least as late. */
  lagMs: 250,
};

const lagCheckMs = 50;

/** Follows how late the event loop is, ms, by monotonic time: the wall clock may jump. Call `stop` to end it. */
export function watchLag(clock: Clock): { lagMs: () => number; stop: () => void } {
  let expectedAtMs = performance.now() + lagCheckMs;
  let lagMs = 0;
  const stop = clock.every(lagCheckMs, () => {
    lagMs = Math.max(0, performance.now() - expectedAtMs);
    expectedAtMs = performance.now() + lagCheckMs;
  });
  return { lagMs: () => lagMs, stop };
}

/**
 * Answers what is too much with 503 and `Retry-After`, before its body is read: the API server repeats such a request
 * up to ten times within its deadline (apiserver-contract.md C8). Nothing is queued.
 */
export function shedOverload(
  app: FastifyInstance,
  options: { lagMs: () => number; onShed: () => void; limits?: typeof loadLimits },
): void {
  const { inFlight: mostInFlight, lagMs: longestLagMs } = options.limits ?? loadLimits;
  let inFlight = 0;
  app.addHook('onRequest', (_request, reply, done) => {
    if (inFlight >= mostInFlight || options.lagMs() > longestLagMs) {
      options.onShed();
      reply
        .code(503)
        .header('retry-after', '1')
        .type('text/plain')
        .send('latchkey: too many requests at once, try again [OVERLOADED]');
      return;
    }
    inFlight++;
    reply.raw.once('close', () => {
      inFlight--;
    });
    done();
  });
}
