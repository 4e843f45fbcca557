import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Logger } from 'pino';
import { anyAddress } from '#shared/runtime/any-address.ts';
import type { ConnectionDealer } from './connection-dealer.ts';

/** Accepts the connections of the webhook's port, unread. */
interface SharedPort {
  listen(port: number): Promise<void>;
  /** Call it once the workers have ended: Node asks those that live for what they have. */
  close(): void;
}

/** Accepts in the primary, which outlives its workers: a port that listens refuses nobody while one of them is replaced. */
export function shareWebhookPort(dealer: ConnectionDealer, log: Logger): SharedPort {
  const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    dealer.accept(socket);
  });
  return {
    listen: async (port) => {
      server.listen({ host: anyAddress(), port });
      await once(server, 'listening');
      log.info({ port: (server.address() as AddressInfo).port }, 'webhook listening');
    },
    close: () => void server.close(),
  };
}
