import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '#shared/runtime/clock.ts';

/** Connections that do not finish their handshake, and how they end: so few at once that nobody notices. */
const handshakeLimits = { timeoutMs: 5_000, everyMs: 5, atOnce: 5 };

const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;

/**
 * Ends connections without a TLS handshake, the oldest first. Node's own `handshakeTimeout` ends all that came together in
 * one turn of the event loop, for a tenth of a second when they were hundreds. Returns the function that stops it.
 */
export function endSlowHandshakes(server: Server, clock: Clock): () => void {
  const { timeoutMs, everyMs, atOnce } = handshakeLimits;
  const pending = new Map<string, { socket: Socket; sinceMs: number }>();
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket);
    pending.set(name, { socket, sinceMs: clock.monotonicMs() });
    socket.once('close', () => pending.delete(name));
  });
  server.on('secureConnection', (socket) => pending.delete(nameOf(socket)));
  return clock.every(everyMs, () => {
    const latestMs = clock.monotonicMs() - timeoutMs;
    let ended = 0;
    for (const [name, { socket, sinceMs }] of pending) {
      if (sinceMs > latestMs || ended === atOnce) return;
      ended += 1;
      pending.delete(name);
      socket.destroy();
    }
  });
}
