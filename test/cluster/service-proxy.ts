import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** The stand-in for kube-proxy: spreads TCP connections to one address over whoever is ready at that moment. */
type ServiceProxy = { address: string; port: number; close: () => Promise<void> };

/** Listens on the Service's cluster IP; `targets` gives the loopback ports of the ready endpoints. */
export async function startServiceProxy(
  address: string,
  port: number,
  targets: () => readonly number[],
): Promise<ServiceProxy> {
  const sockets = new Set<Socket>();
  let next = 0;
  const server = createServer((client) => {
    const ports = targets();
    const target = ports[next++ % Math.max(ports.length, 1)];
    // Without an endpoint kube-proxy rejects the connection too.
    if (target === undefined) client.resetAndDestroy();
    else join(client, connect(target, '127.0.0.1'), sockets);
  });
  server.listen(port, address);
  server.unref();
  await once(server, 'listening');
  return {
    address,
    port,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

function join(client: Socket, upstream: Socket, sockets: Set<Socket>): void {
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    sockets.add(socket);
    socket.pipe(other);
    socket.on('error', () => other.destroy());
    socket.on('close', () => {
      sockets.delete(socket);
      other.destroySoon();
    });
  }
}
