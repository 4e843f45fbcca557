import { createServer, type Server } from 'node:https';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Fastify, { errorCodes, type FastifyInstance } from 'fastify';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { discardBody } from './body-reader.ts';
import { boundHandshakes, type HandshakeRefusal } from './bound-handshakes.ts';
import { createClientErrorHandler } from './client-error-handler.ts';
import { createOpenConnections, type OpenConnections } from './open-connections.ts';
import { type Handshakes, reapStalledHandshakes } from './reap-stalled-handshakes.ts';
import { RequestGate, type RequestGateOptions } from './request-gate.ts';
import { createSecureContext, protocols, type SecureContext } from './secure-context.ts';
import { isReview, serveReviews, type WebhookHandler } from './serve-reviews.ts';

/** Limits slow clients, and keeps idle connections longer than the API server's 90 s (docs/reference/kube-apiserver.md C3). */
const timeouts = {
  keepAliveTimeout: 120_000,
  requestTimeout: 10_000,
  headersTimeout: 5_000,
  /** Second line of defense; `reapStalledHandshakes` is earlier. */
  handshakeTimeout: 9_500,
  // Seldom, as it wakes an idle process too. Those found together end a few at a time (client-error-handler.ts).
  connectionsCheckingInterval: 1_000,
};

/** Longest time without traffic, ms, such as on an answer that the client does not read; between requests it is `keepAliveTimeout`. */
const quietMs = 10_000;

/**
 * Limits connections and what is written to them; the API server keeps about 25. A new one ends the oldest of those that have not finished their
 * handshake, or the longest idle of the others, so that nobody who fills them shuts the API server out. Where all are
 * busy, `all` shuts out the newest: it has room for both, and for those that wait for their client to close.
 */
export interface ConnectionLimits {
  handshakes: number;
  established: number;
  all: number;
  /** Bytes of answers that wait for their clients to read them. */
  unreadBytes: number;
}

export const defaultLimits: ConnectionLimits = {
  ...{ handshakes: 6_144, established: 6_144, all: 13_312 },
  unreadBytes: 64 * 1_024 * 1_024,
};

/** What a connection was doing that was closed for others. */
export type EvictedConnection = 'handshake' | 'idle' | 'unread';

/** The HTTPS server of the gateway. */
export interface WebhookServer extends SecureContext {
  app: FastifyInstance;
  connections: OpenConnections;
  /** Counts the connections on which the TLS handshake is under way. */
  handshakes(): number;
  /** Serves connections that another process accepts, each given to `take`, in the place of listening. */
  serveTaken(): Promise<void>;
  take(socket: Socket): void;
  /** Stops listening and cuts off what is still connected. */
  close(): Promise<void>;
}

export interface WebhookServerOptions extends RequestGateOptions {
  /** Refuses, in the handshake, callers without a certificate of a trusted CA. */
  requestsClientCertificate?: boolean;
  connectionLimits?: ConnectionLimits;
  /** Called with what the handler threw, and how long its request had waited before, ms. */
  onFault: (err: unknown, waitedMs: number) => void;
  /** Called for each connection that was closed so that others can be served. */
  onEvicted: (connection: EvictedConnection) => void;
  /** Called for each connection that was closed because its handshake cost too much; with client certificates only. */
  onHandshakeRefused: (reason: HandshakeRefusal) => void;
}

/** Builds the server: connections, load and reviews are ours, and Fastify answers what else is asked. */
export function createWebhookServer(handle: WebhookHandler, options: WebhookServerOptions): WebhookServer {
  const { clock, requestsClientCertificate = false, connectionLimits = defaultLimits } = options;
  const { onEvicted, onFault } = options;
  const https = createHttpsServer(requestsClientCertificate);
  const handshakes = followHandshakes(https, options);
  https.maxConnections = connectionLimits.all;
  const connections = createOpenConnections({
    monotonicMs: clock.monotonicMs,
    most: connectionLimits.established,
    mostUnreadBytes: connectionLimits.unreadBytes,
    onEvicted,
  });
  connections.follow(https);
  const gate = new RequestGate(options);
  const serve = serveReviews({ gate, handle, onFault, clock, connections });
  const app = Fastify({
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: createClientErrorHandler(connections, clock),
    serverFactory: (handler) =>
      https.on('request', (request, response) => {
        const isBegun = connections.begin(request, response);
        if (isBegun && isReview(request)) {
          serve(request, response);
          return;
        }
        if (isBegun) handler(request, response);
        discardBody(request);
      }),
  });
  refuseOthers(app);
  return {
    app,
    connections,
    handshakes: handshakes.count,
    ...createSecureContext(https, requestsClientCertificate),
    serveTaken: async () => {
      await app.ready();
      // Node begins with it to end connections whose request does not come.
      https.emit('listening');
    },
    take: (socket) => void https.emit('connection', socket),
    close: async () => {
      gate.stop();
      // What has been answered just now should be on its way.
      await nextTurn();
      handshakes.stop();
      const closed = app.close();
      https.closeAllConnections();
      await closed;
    },
  };
}

/** Answers what is no review: it has another path, method or content type. */
function refuseOthers(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.post(webhookPath, () => {
    throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE();
  });
  // The default answer repeats the URL.
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain').send('latchkey: no such path'),
  );
}

/** Limits what handshakes cost and how long they last. Call it before anything else listens for connections. */
function followHandshakes(https: Server, options: WebhookServerOptions): Handshakes {
  const { clock, requestsClientCertificate, connectionLimits = defaultLimits, onEvicted } = options;
  if (requestsClientCertificate) {
    boundHandshakes(https, {
      monotonicMs: clock.monotonicMs,
      onSecure: (socket) => handshakes.finished(socket),
      onRefused: options.onHandshakeRefused,
    });
  }
  const handshakes = reapStalledHandshakes(https, {
    clock,
    most: connectionLimits.handshakes,
    onEvicted: () => onEvicted('handshake'),
  });
  return handshakes;
}

/**
 * HTTP/1.1 only, as the API server speaks to a Service (docs/reference/kube-apiserver.md C1). No SNICallback: one that
 * throws kills the process in an older Node (docs/reference/libraries.md L9).
 */
function createHttpsServer(requestsClientCertificate: boolean): Server {
  const https = createServer({
    ...timeouts,
    ALPNProtocols: ['http/1.1'],
    ...protocols,
    requestCert: requestsClientCertificate,
    rejectUnauthorized: true,
  });
  https.timeout = quietMs;
  https.on('tlsClientError', (_error, socket) => socket.destroy());
  https.on('checkExpectation', (request, response) => {
    discardBody(request);
    response.writeHead(417, { connection: 'close' }).end();
  });
  return https;
}
