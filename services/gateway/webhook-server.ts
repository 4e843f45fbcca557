import { createServer, type Server } from 'node:https';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { webhookPath } from '#shared/contracts/webhook-path.ts';
import type { CertificatePair } from './certificate-pair.ts';

/** A pod is at most 3 MiB, an UPDATE carries two, JSON is larger than the stored form (apiserver-contract.md C11). */
const bodyLimitBytes = 8 * 1024 * 1024;

/** Time limits against slow clients, and a keep-alive above the API server's 90 s (library-limits.md, Fastify). */
const timeouts = {
  keepAliveTimeout: 120_000,
  requestTimeout: 10_000,
  headersTimeout: 5_000,
  handshakeTimeout: 5_000,
  connectionsCheckingInterval: 500,
};

/** More are dropped when they connect; the API server keeps about 25, and one that says nothing costs memory for 5 s. */
const mostConnections = 8_192;

/** The HTTPS server of the gateway. */
export interface WebhookServer {
  app: FastifyInstance;
  /** Serves this pair from the next handshake on; live connections keep theirs. */
  use(pair: CertificatePair): void;
  /** Accepts client certificates of these authorities (PEM) from the next handshake on. */
  trust(authorities: string): void;
  /** From now on every answer closes its connection. */
  drain(): void;
}

/**
 * Builds the server. The body reaches `handle` as the bytes received: no parser and no schema touches the pod
 * (a coercing schema loses fields, library-limits.md).
 * @param options.requestsClientCertificate a caller without one of a trusted authority is refused in the handshake
 */
export function createWebhookServer(
  handle: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
  options: { requestsClientCertificate: boolean } = { requestsClientCertificate: false },
): WebhookServer {
  let https: Server | undefined;
  let draining = false;
  let pair: CertificatePair | undefined;
  let authorities: string | undefined;
  const applySecureContext = (): void => {
    if (pair === undefined || (options.requestsClientCertificate && authorities === undefined)) return;
    const ca = authorities === undefined ? {} : { ca: authorities };
    https?.setSecureContext({ cert: pair.certificate, key: pair.key, minVersion: 'TLSv1.2', ...ca });
  };
  const app = Fastify({
    bodyLimit: bodyLimitBytes,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    serverFactory: (handler) => {
      // HTTP/1.1 only, as the API server speaks to a Service (C1). No SNICallback: one that throws kills the process.
      https = createServer(
        {
          ...timeouts,
          ALPNProtocols: ['http/1.1'],
          minVersion: 'TLSv1.2',
          requestCert: options.requestsClientCertificate,
          rejectUnauthorized: true,
        },
        handler,
      );
      https.maxConnections = mostConnections;
      https.on('tlsClientError', (_error, socket) => socket.destroy());
      return https;
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (draining) reply.header('connection', 'close');
    done();
  });
  app.post(webhookPath, handle);
  // The default answer repeats the URL.
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type('text/plain').send('latchkey: no such path'),
  );
  return {
    app,
    use: (next) => {
      pair = next;
      applySecureContext();
    },
    trust: (next) => {
      authorities = next;
      applySecureContext();
    },
    drain: () => {
      draining = true;
    },
  };
}
