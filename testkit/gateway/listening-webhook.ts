import type { AddressInfo } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import type { WebhookHandler } from '../../services/gateway/http/serve-reviews.ts';
import {
  createWebhookServer,
  type WebhookServer,
  type WebhookServerOptions,
} from '../../services/gateway/http/webhook-server.ts';
import { connectTo, readAll, requestText, type WireRequest } from './wire-request.ts';

/** What a webhook server needs besides its handler, as the gateway gives it by default. */
export const aWebhookServerContext = {
  clock: systemClock,
  timeoutMs: () => 5_000,
  onShed: (): void => undefined,
  onFault: (): void => undefined,
  onEvicted: (): void => undefined,
  onHandshakeRefused: (): void => undefined,
  /** Never overloaded: a test machine may stand still for a moment. */
  limits: { waitMs: 60_000, waiting: 0, heldBytes: 64 * 1024 * 1024 },
};

/** Limits of a gateway that is always overloaded: of how long and how many requests wait. */
export const tooManyWaiting = { waitMs: -1, waiting: -1 };

/** The webhook server of the gateway on a real socket, and what a client does with it. */
export interface ListeningWebhook {
  server: WebhookServer;
  port: number;
  connect(options?: ConnectionOptions): Promise<TLSSocket>;
  /** The whole answer to a request on a connection of its own; by default a POST of `{}` to the webhook's path. */
  send(request?: WireRequest, options?: ConnectionOptions): Promise<string>;
}

/** A request of the webhook as it goes over the wire, with a timeout like the API server's. */
export const webhookRequest = (over: WireRequest = {}): string =>
  requestText({ path: `${webhookPath}?timeout=5s`, body: '{}', ...over });

export async function listenWebhook(
  handle: WebhookHandler,
  options: Partial<WebhookServerOptions> = {},
): Promise<ListeningWebhook> {
  const server = createWebhookServer(handle, { ...aWebhookServerContext, ...options });
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  server.use(aSelfSignedPair(Date.now()));
  const { port } = server.app.server.address() as AddressInfo;
  const connect: ListeningWebhook['connect'] = (tls) => connectTo(port, tls);
  return {
    server,
    port,
    connect,
    send: async (request = {}, tls = {}) => {
      const socket = await connect(tls);
      socket.write(webhookRequest({ ...request, headers: { connection: 'close', ...request.headers } }));
      return await readAll(socket);
    },
  };
}

/** Status of an answer, NaN when there is none. */
export const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
