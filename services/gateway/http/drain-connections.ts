import type { Logger } from 'pino';
import type { Clock } from '#shared/runtime/clock.ts';
import type { OpenConnections } from './open-connections.ts';

/**
 * Times of a drain, ms. Together they stay below the deadline of the lifecycle (25 s), which is below the pod's
 * terminationGracePeriodSeconds (30 s).
 */
export const drainTimes = {
  /** Shortest time unready but serving: the endpoint controllers and the proxies of the nodes need a moment. */
  least: 3_000,
  /** Time without a request after which nobody sends new connections here any more. */
  quiet: 2_000,
  /** Idle time after which a connection is closed; a younger one was opened for a request that is about to come. */
  idle: 1_000,
  /** Longest wait for quiet. */
  longest: 18_000,
  /** Time for clients to close their ended connections, and for requests in flight to end. */
  close: 3_000,
};

const pollMs = 50;

interface DrainOptions {
  connections: OpenConnections;
  /** Counts the connections on which the TLS handshake is under way: a request is about to come on them. */
  handshakes: () => number;
  clock: Clock;
  log: Logger;
  times?: typeof drainTimes;
}

/**
 * Drains a server without losing a request, as a lame duck: every answer closes its connection, and new ones are served
 * until it is quiet; then idle connections are ended with a closing response (see open-connections.ts). Call it once the
 * process reports itself unready. Resolves when the listener may be closed.
 *
 * Why not leave idle connections to the client, which would be the simplest: the API server keeps them for 90 s, three
 * times the usual grace period.
 */
export async function drainConnections(options: DrainOptions): Promise<void> {
  const { connections, handshakes, clock, times = drainTimes } = options;
  const log = options.log.child({ component: 'drain' });
  const startedAtMs = clock.monotonicMs();
  const elapsedMs = (): number => clock.monotonicMs() - startedAtMs;
  const until = async (isOver: () => boolean, latestMs: number): Promise<boolean> => {
    while (!isOver() && elapsedMs() < latestMs) await clock.sleep(pollMs);
    return isOver();
  };
  const isQuiet = (): boolean =>
    elapsedMs() >= times.least &&
    connections.busy() === 0 &&
    clock.monotonicMs() - connections.lastRequestAtMs() >= times.quiet;

  connections.drain();
  const wasQuiet = await until(isQuiet, times.longest);
  const left = { connections: connections.count(), inFlight: connections.busy(), afterMs: elapsedMs() };
  if (wasQuiet) log.info(left, 'gateway is quiet, ending the idle connections');
  else log.warn(left, 'requests still come, stopping although clients reach this gateway');
  const isEmpty = (): boolean => {
    connections.endIdle(times.idle);
    return connections.count() === 0 && handshakes() === 0;
  };
  await until(isEmpty, elapsedMs() + times.close);
  const lost = connections.busy();
  if (lost > 0) log.error({ inFlight: lost }, 'requests in flight at the deadline are cut off');
}
