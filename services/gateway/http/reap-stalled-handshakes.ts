import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '#shared/runtime/clock.ts';
import { endingPace } from './ending-pace.ts';
import { createTicks } from './ticks.ts';

/** Longest time of a handshake, ms; Node's own limit, which is longer, ends the rest at once. */
const timeoutMs = 5_000;

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
  const sinceMs = new Map<Socket, number>();
  const byName = new Map<string, Socket>();
  let stopped = false;
  const ticks = createTicks(clock, endingPace.everyMs, () => {
    const latestMs = clock.monotonicMs() - timeoutMs;
    let left = endingPace.atOnce(sinceMs.size);
    for (const [socket, since] of sinceMs) {
      if (since > latestMs || left === 0) break;
      left -= 1;
      sinceMs.delete(socket);
      socket.destroy();
    }
    return sinceMs.size > 0;
  });
  server.on('connection', (socket: Socket) => {
    if (stopped) {
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    sinceMs.set(socket, clock.monotonicMs());
    byName.set(name, socket);
    ticks.start();
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
  return {
    count: () => sinceMs.size,
    finished: (socket) => sinceMs.delete(socket),
    stop: () => {
      ticks.stop();
      stopped = true;
      for (const socket of sinceMs.keys()) socket.destroy();
    },
  };
}
