import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Clock } from '#shared/runtime/clock.ts';
import { FirstRequest } from './first-request.ts';
import { shareRecent } from './share-recent.ts';

/** Says why a process is not ready, one sentence each; ready when there is none. */
type NotReady = () => readonly string[];

/**
 * Bounds what clients of the health port may cost a process. The port shares the event loop of the service, and the
 * kubelet and Prometheus need a connection each.
 */
export interface HealthLimits {
  connections: number;
  /** Longest time for a request to arrive, and for an answer to be read, ms. */
  timeoutMs: number;
  /** Shortest time between two collections of metrics, ms. */
  metricsForMs: number;
}

const defaultLimits: HealthLimits = { connections: 64, timeoutMs: 5_000, metricsForMs: 1_000 };
const longestHeaderBytes = 4_096;
/** With the request line, and more than the parser takes of headers, so that it is the parser that refuses them. */
const longestHeadBytes = 2 * longestHeaderBytes;

/**
 * Creates the HTTP server for the kubelet and Prometheus. It serves `/livez`, `/readyz` (503 and the reasons when not
 * ready) and `/metrics`, without TLS, since it holds no secret. A connection takes one request, as the kubelet's do; of
 * too many connections the oldest are closed, so that a client that keeps them open cannot block probes.
 */
export function createHealthServer(options: {
  notReady: NotReady;
  remarks: () => readonly string[];
  metricsText: () => Promise<string>;
  clock: Pick<Clock, 'monotonicMs'>;
  limits?: HealthLimits;
}): FastifyInstance {
  const limits = options.limits ?? defaultLimits;
  const metricsText = shareRecent(options.metricsText, limits.metricsForMs, options.clock);
  const server = Fastify({
    forceCloseConnections: true,
    serverFactory: (handler) => guard(createServer(timeoutsOf(limits), handler), limits),
  });
  // Of a body nothing is passed on: whoever waited for it would wait until the timeout.
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', (_request, _body, done) => done(null));
  server.addHook('onRequest', async (_request, reply) => void reply.header('connection', 'close'));
  server.get('/livez', () => ({ status: 'alive' }));
  server.get('/readyz', (_request, reply) => {
    const reasons = options.notReady();
    return reply
      .code(reasons.length === 0 ? 200 : 503)
      .send({ ready: reasons.length === 0, reasons, remarks: options.remarks() });
  });
  server.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metricsText()),
  );
  return server;
}

const timeoutsOf = ({ timeoutMs }: HealthLimits): object => ({
  headersTimeout: timeoutMs,
  requestTimeout: timeoutMs,
  connectionsCheckingInterval: Math.min(timeoutMs, 1_000),
  maxHeaderSize: longestHeaderBytes,
});

function guard(server: Server, { connections, timeoutMs }: HealthLimits): Server {
  const open = new Set<Socket>();
  const serve = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const [oldest] = open;
    if (open.size > connections) oldest?.destroy();
    // One that goes on sending, or does not read its answer, would otherwise stay.
    const deadline = setTimeout(() => socket.destroy(), 2 * timeoutMs);
    socket.once('close', () => clearTimeout(deadline));
    const first = new FirstRequest(socket, longestHeadBytes);
    for (const listener of serve) listener.call(server, first);
  });
  return server;
}
