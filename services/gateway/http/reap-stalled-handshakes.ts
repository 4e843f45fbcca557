import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '#shared/runtime/clock.ts';

/**
 * Limits how many stalled handshakes end in one turn: few enough that nobody notices, and more the more there are, so
 * that 8,192 of the same moment end within 3.5 s (Node's own limit ends the rest at once).
 */
const handshakeLimits = { timeoutMs: 5_000, everyMs: 5, leastAtOnce: 5, share: 0.005 };

/** Names a connection by both its ends, which is all that its raw socket and its TLS socket have in common. */
const nameOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;

/** Follows the connections of a server on which the TLS handshake is under way. */
export interface Handshakes {
  count(): number;
  /** Forgets a connection whose handshake is done and whose TLS socket does not know its ends. */
  finished(socket: Socket): void;
  /** Ends all of them, and those that come later at once: silent ones would keep the server from closing. */
  stop(): void;
}

/**
 * Ends connections that do not finish their TLS handshake in time, or that are too many, the oldest first. Node's own `handshakeTimeout` ends all that came together in
 * one turn of the event loop, for a tenth of a second when they were hundreds.
 */
export function reapStalledHandshakes(
  server: Pick<EventEmitter, 'on'>,
  options: {
    clock: Pick<Clock, 'monotonicMs' | 'every'>;
    /** Handshakes above which a new one ends the oldest: stalled ones must shut nobody out. */
    most: number;
    onEvicted: () => void;
  },
): Handshakes {
  const { clock, most, onEvicted } = options;
  const { timeoutMs, everyMs, leastAtOnce, share } = handshakeLimits;
  const sinceMs = new Map<Socket, number>();
  const byName = new Map<string, Socket>();
  let stopped = false;
  server.on('connection', (socket: Socket) => {
    if (stopped) {
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    sinceMs.set(socket, clock.monotonicMs());
    byName.set(name, socket);
    const [oldest] = sinceMs.keys();
    if (sinceMs.size > most && oldest !== undefined) {
      sinceMs.delete(oldest);
      oldest.destroy();
      onEvicted();
    }
    socket.once('close', () => {
      sinceMs.delete(socket);
      if (byName.get(name) === socket) byName.delete(name);
    });
  });
  server.on('secureConnection', (secure: Socket) => {
    const socket = byName.get(nameOf(secure));
    if (socket !== undefined) sinceMs.delete(socket);
  });
  const stopTicks = clock.every(everyMs, () => {
    const latestMs = clock.monotonicMs() - timeoutMs;
    let left = Math.max(leastAtOnce, Math.ceil(sinceMs.size * share));
    for (const [socket, since] of sinceMs) {
      if (since > latestMs || left === 0) return;
      left -= 1;
      sinceMs.delete(socket);
      socket.destroy();
    }
  });
  return {
    count: () => sinceMs.size,
    finished: (socket) => sinceMs.delete(socket),
    stop: () => {
      stopTicks();
      stopped = true;
      for (const socket of sinceMs.keys()) socket.destroy();
    },
  };
}
