import type { AddressInfo } from 'node:net';
import { anyAddress } from '#shared/runtime/any-address.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import type { HandshakeRefusal } from './http/bound-handshakes.ts';
import { drainConnections } from './http/drain-connections.ts';
import type { ShedReason } from './http/request-plan.ts';
import type { WebhookHandler } from './http/serve-reviews.ts';
import { createWebhookServer, type EvictedConnection } from './http/webhook-server.ts';
import type { ReportFault } from './report-fault.ts';
import { followClientCa } from './tls/follow-client-ca.ts';
import { followServingCertificate } from './tls/follow-serving-certificate.ts';
import type { ServingCertificate } from './tls/serving-certificate.ts';

interface WebhookOptions {
  handle: WebhookHandler;
  /** How long a caller waits that does not say it, ms. */
  timeoutMs: () => number;
  onShed: (reason: ShedReason) => void;
  /** Called for each request that a fault of ours left undecided. */
  onFault: ReportFault;
  /** Called for each connection that was closed so that others can be served. */
  onEvicted: (connection: EvictedConnection) => void;
  /** Called for each connection that was closed because its handshake cost too much. */
  onHandshakeRefused: (reason: HandshakeRefusal) => void;
  /** Called when a certificate is in use that was not before. */
  onServing: () => void;
}

/** Serves reviews over HTTPS, with the certificate and the client CA that are mounted. */
interface Webhook {
  start(): Promise<void>;
  /** Drains the server first, so that no request is lost; call it once the process reports itself unready. */
  stop(): Promise<void>;
  /** Gives the serving certificate; undefined while none is valid. */
  certificate(): ServingCertificate | undefined;
}

/** Joins the server with the files that it serves from. */
export function createWebhook(context: ServiceContext, options: WebhookOptions): Webhook {
  const { process, clock, log } = context;
  const path = context.config.webhook.clientCa;
  const { handle, onServing, ...gate } = options;
  const requestsClientCertificate = path !== undefined;
  const server = createWebhookServer(handle, { ...gate, clock, requestsClientCertificate });
  const { connections, handshakes } = server;
  const certificate = followServingCertificate({
    dir: process.TLS_DIR,
    clock,
    log,
    onCertificate: server.use,
    onServing,
  });
  const clientCa =
    path === undefined ? undefined : followClientCa({ path, clock, log, onClientCa: server.trust });
  return {
    certificate: certificate.current,
    start: async () => {
      await clientCa?.start();
      await certificate.start();
      await server.app.listen({ host: anyAddress(), port: process.WEBHOOK_PORT });
      log.info({ port: (server.app.server.address() as AddressInfo).port }, 'webhook listening');
    },
    stop: async () => {
      await drainConnections({ connections, handshakes, clock, log });
      await server.close();
      certificate.stop();
      clientCa?.stop();
    },
  };
}
