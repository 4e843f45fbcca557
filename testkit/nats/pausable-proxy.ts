import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net';

/** A TCP proxy on loopback that can stand still, like a partition: bytes wait, nothing is closed. */
interface PausableProxy {
  url: string;
  /** Nothing gets through from now on, in the directions given. */
  pause(direction: 'to-server' | 'to-client' | 'both'): void;
  resume(): void;
  close(): void;
}

export async function startPausableProxy(target: string): Promise<PausableProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const servers = new Set<Socket>();
  const listener = createServer((client) => {
    const server = tcpConnect(Number(port), hostname);
    clients.add(client);
    servers.add(server);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    url: `nats://127.0.0.1:${(listener.address() as AddressInfo).port}`,
    pause(direction) {
      if (direction !== 'to-client') for (const socket of clients) socket.pause();
      if (direction !== 'to-server') for (const socket of servers) socket.pause();
    },
    resume() {
      for (const socket of sockets) socket.resume();
    },
    close() {
      listener.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
