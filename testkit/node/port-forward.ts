import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import type { NodeNamespaces } from './node-namespaces.ts';

/**
 * Lets this machine's loopback reach an address in a node's network, and returns the port. A process in that network
 * accepts on a socket of this one, so no interface connects the two.
 */
export async function forwardPort(
  node: Pick<NodeNamespaces, 'pid'>,
  host: string,
  port: number,
  guard: ProcessGuard,
): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;
  const program = [process.execPath, join(import.meta.dirname, 'port-forward-program.ts'), host, `${port}`];
  const child = spawn('nsenter', ['--target', `${node.pid}`, '--net', '--', ...program], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    detached: true,
  });
  await once(child, 'spawn');
  if (child.pid !== undefined) guard.watch(child.pid);
  await new Promise<void>((resolve, reject) => {
    child.send('serve', server, (error) => (error === null ? resolve() : reject(error)));
  });
  server.close();
  child.unref();
  child.channel?.unref();
  return address.port;
}
