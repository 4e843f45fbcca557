import { createServer, type Server } from 'node:https';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { webhookPath } from '#shared/contracts/webhook-path.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { CertificatePair } from '../tls/certificate-pair.ts';
import { createClientErrorHandler } from './client-error.ts';
import type { Load } from './load-shedding.ts';
import { createOpenConnections, type OpenConnections } from './open-connections.ts';
import { bodyLimitBytes } from './refused-body.ts';
import { createRequestGate, type ShedReason } from './request-gate.ts';
import { endSlowHandshakes, type Handshakes } from './slow-handshakes.ts';

/** Time limits against slow clients, and a keep-alive above the API server's 90 s (docs/reference/kube-apiserver.md C3). */
const timeouts = {
  keepAliveTimeout: 120_000,
  requestTimeout: 10_000,
  headersTimeout: 5_000,
  /** The second line: `endSlowHandshakes` is earlier. */
  handshakeTimeout: 9_500,
  // So often that of thousands of slow connections few end in one turn of the event loop: the others wait meanwhile.
  connectionsCheckingInterval: 10,
};

/**
 * Forward secrecy and authenticated encryption only: a leaf's key that is renewed each week must not open what was
 * recorded before. Go's API server offers all of them first (crypto/tls defaultCipherSuites).
 */
const protocols = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    ...['ECDSA', 'RSA'].flatMap((key) =>
      ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'].map((suite) => `ECDHE-${key}-${suite}`),
    ),
  ].join(':'),
} as const;

/** More are dropped when they connect; the API server keeps about 25, and one that says nothing costs memory for 5 s. */
const mostConnections = 8_192;

/** The HTTPS server of the gateway. */
export interface WebhookServer {
  app: FastifyInstance;
  /** Serves this pair from the next handshake on; live connections keep theirs. */
  use(pair: CertificatePair): void;
  /** Accepts client certificates of these authorities (PEM) from the next handshake on. */
  trust(authorities: string): void;
  connections: OpenConnections;
  /** Connections on which the TLS handshake is under way. */
  handshakes(): number;
  /** Stops listening and cuts off what is still connected. */
  close(): Promise<void>;
}

export interface WebhookServerOptions {
  clock: Clock;
  /** How long a caller waits that does not say it, ms. */
  timeoutMs: () => number;
  onShed: (reason: ShedReason) => void;
  /** A caller without a certificate of a trusted authority is refused in the handshake. */
  requestsClientCertificate?: boolean;
  limits?: Load;
}

/** Answers a review. `waitedMs` = from the end of its body until now. */
export type WebhookHandler = (
  request: FastifyRequest,
  reply: FastifyReply,
  waitedMs: number,
) => Promise<FastifyReply>;

/**
 * Builds the server. The body reaches `handle` as the bytes received: no parser and no schema touches the pod
 * (a coercing schema loses fields, docs/reference/libraries.md L7).
 */
export function createWebhookServer(handle: WebhookHandler, options: WebhookServerOptions): WebhookServer {
  const { requestsClientCertificate = false } = options;
  const connections = createOpenConnections(options.clock.monotonicMs);
  const gate = createRequestGate(options);
  let https: Server | undefined;
  let handshakes: Handshakes | undefined;
  let pair: CertificatePair | undefined;
  let authorities: string | undefined;
  const applySecureContext = (): void => {
    if (pair === undefined || (requestsClientCertificate && authorities === undefined)) return;
    const ca = authorities === undefined ? {} : { ca: authorities };
    https?.setSecureContext({ cert: pair.certificate, key: pair.key, ...protocols, ...ca });
  };
  const app = Fastify({
    bodyLimit: bodyLimitBytes,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    clientErrorHandler: createClientErrorHandler(connections, options.clock),
    serverFactory: (handler) => {
      // HTTP/1.1 only, as the API server speaks to a Service (docs/reference/kube-apiserver.md C1). No SNICallback:
      // one that throws kills the process in an older Node (docs/reference/libraries.md L9).
      https = createServer(
        {
          ...timeouts,
          ALPNProtocols: ['http/1.1'],
          ...protocols,
          requestCert: requestsClientCertificate,
          rejectUnauthorized: true,
        },
        (request, response) => {
          if (!connections.begin(request, response)) request.resume();
          else if (gate.admit(request, response)) handler(request, response);
        },
      );
      connections.follow(https);
      handshakes = endSlowHandshakes(https, options.clock);
      https.maxConnections = mostConnections;
      https.on('tlsClientError', (_error, socket) => socket.destroy());
      return https;
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  /** What is thrown is the answer 500 of one request, and not the end of the queue. */
  const decide: WebhookHandler = async (...review) => await handle(...review);
  app.post(
    webhookPath,
    (request, reply) =>
      new Promise<FastifyReply>((resolve) => {
        gate.queueDecision(reply.raw, {
          decide: (waitedMs) => resolve(decide(request, reply, waitedMs)),
          answered: () => resolve(reply.hijack()),
        });
      }),
  );
  // The default answer repeats the URL.
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain').send('latchkey: no such path'),
  );
  return {
    app,
    connections,
    handshakes: () => handshakes?.count() ?? 0,
    close: async () => {
      gate.stop();
      // What has been answered just now should be on its way.
      await nextTurn();
      handshakes?.stop();
      const closed = app.close();
      https?.closeAllConnections();
      await closed;
    },
    use: (next) => {
      pair = next;
      applySecureContext();
    },
    trust: (next) => {
      authorities = next;
      applySecureContext();
    },
  };
}
