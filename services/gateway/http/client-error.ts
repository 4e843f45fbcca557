import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';
import type { Clock } from '#shared/runtime/clock.ts';
import type { OpenConnections } from './open-connections.ts';

/** Given to a client to take its farewell, and to what it may be sending, ms. */
const farewellMs = 1_000;

const refusal = (status: string): string =>
  `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;

/**
 * Ends a connection on which no request came to be. One that has been silent for too long need not be hostile: Go opens
 * a connection for a request, sends that over another one which has become free, and keeps the new one for later. Node's
 * answer to it, 408, would be a failed admission if the later request is just on its way; so it gets a farewell.
 */
export function createClientErrorHandler(
  connections: OpenConnections,
  clock: Clock,
): (error: ConnectionError, socket: Socket) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      connections.end(socket);
      void clock.sleep(farewellMs).then(() => socket.destroy());
      return;
    }
    const isTooLong = error.code === 'HPE_HEADER_OVERFLOW';
    socket.write(refusal(isTooLong ? '431 Request Header Fields Too Large' : '400 Bad Request'));
    socket.destroy(error);
  };
}
