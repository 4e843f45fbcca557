import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * The stand-in for kube-proxy: spreads new TCP connections to one address over whoever is ready. One that is made stays
 * with its endpoint, whatever becomes of that.
 */
interface ServiceProxy {
  address: string;
  port: number;
  /** Loopback ports that new connections are spread over at this moment. */
  targets: () => readonly number[];
  close: () => Promise<void>;
}

/**
 * A connection as the balancer sees it: the client's port, and the endpoint's. Times are Unix ms; `endedAtMs` appears when
 * the endpoint has ended its side, which the client is told at once.
 */
export interface BalancedConnection {
  clientPort: number;
  targetPort: number;
  atMs: number;
  endedAtMs?: number;
}

export interface BalancerOptions {
  /** How long a change of the ready endpoints takes to reach it; in a cluster up to a second or so. */
  noticeMs?: number;
  /** Told of every connection. */
  onConnection?: (connection: BalancedConnection) => void;
}

const watchIntervalMs = 20;

/** Listens on the Service's cluster IP; `targets` gives the loopback ports of the ready endpoints. */
export async function startServiceProxy(
  address: string,
  port: number,
  targets: () => readonly number[],
  { noticeMs = 0, onConnection = () => undefined }: BalancerOptions = {},
): Promise<ServiceProxy> {
  const sockets = new Set<Socket>();
  const view = noticeMs > 0 ? delayedView(targets, noticeMs) : { targets, stop: () => undefined };
  let next = 0;
  // A side that has ended may still be sent to: kube-proxy only forwards packets.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const ports = view.targets();
    const targetPort = ports[next++ % Math.max(ports.length, 1)];
    if (targetPort === undefined) {
      // Without an endpoint kube-proxy rejects the connection too.
      client.resetAndDestroy();
      return;
    }
    const connection: BalancedConnection = {
      clientPort: client.remotePort ?? 0,
      targetPort,
      atMs: Date.now(),
    };
    onConnection(connection);
    const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
    const noteEnd = () => {
      connection.endedAtMs ??= Date.now();
    };
    upstream.once('end', noteEnd).once('close', noteEnd);
    join(client, upstream, sockets);
  });
  server.listen(port, address);
  server.unref();
  await once(server, 'listening');
  return {
    address,
    port,
    targets: view.targets,
    close: async () => {
      view.stop();
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

/** The ready endpoints as they were `noticeMs` ago. */
function delayedView(targets: () => readonly number[], noticeMs: number) {
  let latest = targets();
  let noticed = latest;
  const watching = setInterval(() => {
    const now = targets();
    if (now.join() === latest.join()) return;
    latest = now;
    setTimeout(() => {
      noticed = now;
    }, noticeMs).unref();
  }, watchIntervalMs);
  watching.unref();
  return { targets: () => noticed, stop: () => clearInterval(watching) };
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
