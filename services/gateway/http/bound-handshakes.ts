import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import { threadCpuUsage } from 'node:process';
import { BoundedSocket } from './bounded-socket.ts';
import { createHandshakeCosts } from './handshake-costs.ts';

/**
 * Limits the bytes that a client sends until its handshake is done. OpenSSL verifies every signature of a client's chain,
 * up to 100 KB of it, in the event loop, and Node has no option for that limit. A caller with one certificate sends 3 KB,
 * and a certificate more adds 2 KB at most; 16 KiB of the most expensive signatures take OpenSSL 0.1 to 0.2 s.
 */
export const mostHandshakeBytes = 16_384;

/** `long`: more than {@link mostHandshakeBytes}; `costly`: earlier handshakes of its address took too much CPU time. */
export type HandshakeRefusal = 'long' | 'costly';

interface HandshakeBounds {
  monotonicMs: () => number;
  /** CPU time of this thread, ms. */
  cpuMs?: () => number;
  /** Called for each connection whose handshake is done. */
  onSecure: (socket: Socket) => void;
  onRefused: (reason: HandshakeRefusal) => void;
}

const threadCpuMs = (): number => {
  const { user, system } = threadCpuUsage();
  return (user + system) / 1_000;
};

/**
 * Bounds what the handshakes of a server cost that asks for client certificates. Call it before anything else listens
 * for the server's connections.
 */
export function boundHandshakes(server: Server, bounds: HandshakeBounds): void {
  const { cpuMs = threadCpuMs, onSecure, onRefused } = bounds;
  const costs = createHandshakeCosts(bounds.monotonicMs);
  const accept = server.listeners('connection');
  server.removeAllListeners('connection');
  /** Finishes the handshake that is being fed: TLS emits its event within the `push` of the last bytes. */
  let finish: (() => void) | undefined;
  server.on('secureConnection', () => finish?.());

  server.on('connection', (socket: Socket) => {
    const { remoteAddress = '' } = socket;
    let bytes = 0;
    let isSecure = false;
    const refuse = (reason: HandshakeRefusal): void => {
      bounded.destroy();
      onRefused(reason);
    };
    const feed = (chunk: Buffer): void => {
      const begunMs = cpuMs();
      finish = () => {
        isSecure = true;
        onSecure(socket);
      };
      bounded.push(chunk);
      finish = undefined;
      if (!isSecure) costs.charge(remoteAddress, cpuMs() - begunMs);
    };
    const bounded = new BoundedSocket(socket, (chunk) => {
      if (isSecure) {
        bounded.push(chunk);
        return;
      }
      if (costs.isSpent(remoteAddress)) {
        refuse('costly');
        return;
      }
      // A request may follow the handshake in the same bytes.
      const rest = mostHandshakeBytes - bytes;
      bytes += chunk.length;
      feed(chunk.subarray(0, rest));
      if (chunk.length <= rest || bounded.destroyed) return;
      if (isSecure) bounded.push(chunk.subarray(rest));
      else refuse('long');
    });
    for (const each of accept) each.call(server, bounded);
  });
}
