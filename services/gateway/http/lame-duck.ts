import type { Logger } from 'pino';
import type { Clock } from '#shared/runtime/clock.ts';
import type { OpenConnections } from './open-connections.ts';

/**
 * Times of an orderly stop, ms. Together they stay below the deadline of the lifecycle (25 s), which is below the pod's
 * terminationGracePeriodSeconds (30 s).
 */
export const lameDuckTimes = {
  /** Unready but serving at least so long: the endpoint controllers and the proxies of the nodes need a moment. */
  least: 3_000,
  /** It is quiet when no request has come for so long: then nobody sends new connections here any more. */
  quiet: 2_000,
  /** A connection idle for so long gets its farewell; a younger one was opened for a request that is about to come. */
  idle: 1_000,
  /** Until when it waits for quiet. */
  longest: 18_000,
  /** How long clients have to close the connections that are over, and requests in flight to end. */
  farewell: 3_000,
};

const pollMs = 50;

/**
 * The end of a server that loses no request: every answer closes its connection, new ones are served until it is quiet;
 * then the connections that are left are ended with a farewell (see open-connections.ts). Call it once the process
 * reports itself unready. Resolves when the listener may be closed.
 *
 * Why not leave idle connections to the client, which would be the simplest: the API server keeps them for 90 s, three
 * times the usual grace period.
 */
export async function serveLameDuck(options: {
  connections: OpenConnections;
  /** Connections on which the TLS handshake is under way: a request is about to come on them. */
  handshakes: () => number;
  clock: Clock;
  log: Logger;
  times?: typeof lameDuckTimes;
}): Promise<void> {
  const { connections, handshakes, clock, times = lameDuckTimes } = options;
  const log = options.log.child({ component: 'lame-duck' });
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
  if (wasQuiet) log.info(left, 'quiet, ending the idle connections');
  else log.warn(left, 'requests still come, stopping although clients reach this gateway');
  const isEmpty = (): boolean => {
    connections.endIdle(times.idle);
    return connections.count() === 0 && handshakes() === 0;
  };
  await until(isEmpty, elapsedMs() + times.farewell);
  const lost = connections.busy();
  if (lost > 0) log.error({ inFlight: lost }, 'requests in flight at the deadline are cut off');
}
