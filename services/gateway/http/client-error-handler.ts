import type { Socket } from 'node:net';
import type { ConnectionError } from 'fastify';
import type { Clock } from '#shared/runtime/clock.ts';
import { endingPace } from './ending-pace.ts';
import type { OpenConnections } from './open-connections.ts';
import { createTicks } from './ticks.ts';

/** Time for a client to read the closing response and to finish sending, ms. */
const closingMs = 1_000;

const refusal = (status: string): string =>
  `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;

/**
 * Ends connections on which no request could be read. A silent one need not be hostile: Go opens a connection for a
 * request, sends that over another one which has become free, and keeps the new one for later. Node's answer to it, 408,
 * would be a failed admission if the later request is just on its way; so it gets a closing response. Node reports all
 * that have become silent since its last check at once, and they end a few at a time.
 */
export function createClientErrorHandler(
  connections: Pick<OpenConnections, 'end'>,
  clock: Clock,
): (error: ConnectionError, socket: Socket) => void {
  const silent = new Set<Socket>();
  const ticks = createTicks(clock, endingPace.everyMs, () => {
    let left = endingPace.atOnce(silent.size);
    for (const socket of silent) {
      if (left === 0) break;
      silent.delete(socket);
      if (socket.destroyed) continue;
      left -= 1;
      connections.end(socket);
      void clock.sleep(closingMs).then(() => socket.destroy());
    }
    return silent.size > 0;
  });
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return;
    if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      silent.add(socket);
      ticks.start();
      return;
    }
    const isTooLong = error.code === 'HPE_HEADER_OVERFLOW';
    socket.write(refusal(isTooLong ? '431 Request Header Fields Too Large' : '400 Bad Request'));
    socket.destroy(error);
  };
}
