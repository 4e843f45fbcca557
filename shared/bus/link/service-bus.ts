import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import type { ProcessConfig } from '#shared/config/process-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { backoffMs, busBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { type Bus, type BusLink, requestTimeoutMs } from './bus.ts';
import { followConnectionStatus } from './connection-status.ts';
import { credentialsIn } from './credentials.ts';

/** The part of a service's context that its connection needs. */
interface BusContext {
  process: Pick<ProcessConfig, 'NATS_URL' | 'NATS_CREDENTIALS' | 'POD_NAME'>;
  log: Logger;
  clock: Clock;
  /** Ends the process: one that is deaf, or has lost what it was told, must start again. */
  end(code: number, why: string): void;
}

/** How long `close` tries to deliver what is buffered, ms. */
const drainTimeoutMs = 2_000;

/** Least time between two changes of the server, ms: each interrupts every reader and publisher of the process. */
const changeServerRestMs = 30_000;

/** Private prefix of a NATS user's reply subjects; deploy/nats/nats.conf allows it to nobody else. */
const inboxPrefixOf = (user: string): string => `_INBOX_${user}`;

function connectionOptions(user: string, context: BusContext): ConnectionOptions {
  const { NATS_URL, NATS_CREDENTIALS, POD_NAME } = context.process;
  return {
    servers: NATS_URL.split(','),
    name: `${user}/${POD_NAME}`,
    inboxPrefix: inboxPrefixOf(user),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 1_000,
    // Else the client takes `tls://` for `nats://`, and talks in plain text with a server that does not offer TLS.
    ...(NATS_URL.includes('tls://') ? { tls: {} } : {}),
    // Two refusals in a row would otherwise end the connection for good; credentials may be repaired later.
    ignoreAuthErrorAbort: true,
    // A server that stands still accepts TCP and says nothing: 20 s by default.
    timeout: 3_000,
    pingInterval: 3_000,
    maxPingOut: 2,
    ...(NATS_CREDENTIALS === undefined
      ? {}
      : { authenticator: credentialsIn(NATS_CREDENTIALS, user, context.log) }),
  };
}

/**
 * The first connection is our own loop rather than the client's `waitOnFirstConnect`, which retries without a word:
 * wrong credentials or a wrong address must be visible in the log.
 */
async function firstConnection(
  user: string,
  context: BusContext,
  signal: AbortSignal,
): Promise<NatsConnection> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      return await connect(connectionOptions(user, context));
    } catch (err) {
      const server = context.process.NATS_URL;
      context.log.warn({ err, attempt, server, user }, 'no connection to NATS yet, trying again');
    }
    await context.clock.sleep(backoffMs(busBackoff, attempt - 1), signal);
  }
  throw new LatchkeyError('BUS_UNAVAILABLE', 'Stopped before NATS was reached for the first time');
}

/** Delivers what is buffered as long as the server takes it; without a connection the client would wait for ever. */
async function drain(nc: NatsConnection, clock: Clock): Promise<void> {
  const drained = new AbortController();
  const done = nc.drain().then(
    () => drained.abort(),
    () => drained.abort(),
  );
  await Promise.race([done, clock.sleep(drainTimeoutMs, drained.signal)]);
}

/**
 * Connects a service as its own NATS user (its name, or `resolver-<manager>`), which names the private inbox prefix;
 * the login is read from the credentials folder at every attempt. Returns at once, connects in the background, never
 * throws.
 */
export function connectServiceBus(user: string, context: BusContext): Bus {
  const log = context.log.child({ component: 'bus' });
  const ending = new AbortController();
  let link: BusLink | undefined;
  let up = false;
  let changedServerAtMs = Number.NEGATIVE_INFINITY;
  const reconnected = new Set<() => void>();

  const linked = firstConnection(user, { ...context, log }, ending.signal).then(async (nc) => {
    log.info({ server: nc.getServer() }, 'connected to NATS');
    up = true;
    void followConnectionStatus(nc, log, (state) => {
      // After refused attempts the client reports one reconnection several times.
      const returned = state && !up;
      up = state;
      if (returned) for (const listener of reconnected) listener();
    });
    void nc.closed().then((err) => {
      up = false;
      if (ending.signal.aborted) return;
      log.error({ err }, 'the NATS client closed the connection for good');
      context.end(exitCode.failed, 'the NATS client closed the connection for good');
    });
    // The API check would need a right that no service has.
    const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: requestTimeoutMs });
    link = { nc, js: jetstream(nc, { timeout: requestTimeoutMs }), jsm, inboxPrefix: inboxPrefixOf(user) };
    return link;
  });
  linked.catch(() => undefined);

  return {
    connected: () => up,
    link: () => link,
    linked: () => linked,
    onReconnect(listener) {
      reconnected.add(listener);
      return () => reconnected.delete(listener);
    },
    changeServer(reason) {
      const nowMs = context.clock.monotonicMs();
      const isRest = nowMs - changedServerAtMs < changeServerRestMs;
      if (!up || link?.nc.info?.cluster === undefined || isRest) return;
      changedServerAtMs = nowMs;
      log.warn({ server: link.nc.getServer(), reason }, 'NATS connection moves to another server');
      link.nc.reconnect().catch((err) => log.debug({ err }, 'NATS connection did not move: it is closed'));
    },
    fail(err) {
      log.fatal({ err }, 'a consumer of the bus failed');
      context.end(exitCode.failed, 'a consumer of the bus failed');
    },
    async close() {
      ending.abort();
      const nc = (await linked.catch(() => undefined))?.nc;
      if (nc === undefined || nc.isClosed()) return;
      if (up) await drain(nc, context.clock);
      await nc.close();
    },
  };
}
