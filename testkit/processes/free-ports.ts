import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Below the range that the kernel hands to outgoing connections, so that nothing takes a port before it is used. */
const lowestPort = 12_000;
const portCount = 20_000;
const claimPort = 9_443;

/** `count` different TCP ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  while (servers.length < count) {
    const port = lowestPort + Math.floor(Math.random() * portCount);
    const server = await listen('127.0.0.1', port);
    if (server !== undefined) servers.push(server);
  }
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A range of loopback addresses for Services, held until `release`. */
interface ServiceRange {
  prefix: string;
  cidr: string;
  release: () => Promise<void>;
}

/**
 * Takes one of the ranges 127.101.0.0/16 .. 127.250.0.0/16 for this cluster. A listening socket inside the range is
 * the claim, so two suites never share one, and a suite that dies gives its range back. Linux only: elsewhere loopback
 * is one address.
 */
export async function claimServiceRange(): Promise<ServiceRange> {
  const candidates = Array.from({ length: 150 }, (_, index) => 101 + index).sort(() => Math.random() - 0.5);
  for (const second of candidates) {
    const server = await listen(`127.${second}.0.2`, claimPort);
    if (server === undefined) continue;
    server.unref();
    return {
      prefix: `127.${second}`,
      cidr: `127.${second}.0.0/16`,
      release: async () => {
        server.close();
        await once(server, 'close');
      },
    };
  }
  throw new Error(
    'no loopback range 127.101.0.0/16 .. 127.250.0.0/16 is free: the cluster harness needs Linux',
  );
}

/** A listening server, or undefined when the address is taken. */
async function listen(host: string, port: number): Promise<Server | undefined> {
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}
