import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startGatewayProcess } from '#bench/overload/gateway-process.ts';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import { askPeer, patchOf } from './ask-peer.ts';
import type { ConstantAnswer } from './constant-answer.ts';

/** A webhook that is measured. */
export interface PeerServer {
  name: string;
  url: string;
  /** Certificates that it is trusted by, PEM; absent: any. */
  ca?: string;
  /** Absent when its processes are not known: then what it uses is not either. */
  pids?: readonly number[];
  /** Has every core, the client's among them. */
  isSpread?: boolean;
  /** The review that it is sent instead, when it asks for secrets in another way. */
  reviewOf?(review: string): string;
  stop(): Promise<void>;
}

const readyTimeoutMs = 20_000;
const urlOf = (port: number): string => `https://127.0.0.1:${port}${webhookPath}?timeout=5s`;

/** The gateway as an installation runs it. */
export async function startGatewayPeer(workers = 1): Promise<PeerServer> {
  const { pid, webhookPort, workerPids, stop } = await startGatewayProcess({ workers });
  const pids = [pid, ...(await workerPids())];
  const server = { url: urlOf(webhookPort), pids, stop };
  return workers === 1
    ? { name: 'gateway', ...server }
    : { name: `${workers} workers`, isSpread: true, ...server };
}

/** A server that answers every review with one patch: `bare` is `node:https` alone. */
export async function startConstantPeer(
  name: 'bare' | 'fastify',
  { patch, review, folder, guard }: { patch: string; review: string; folder: string; guard: ProcessGuard },
): Promise<PeerServer> {
  const [port = 0] = await freePorts(1);
  const plan: ConstantAnswer = { port, ...aSelfSignedPair(Date.now()), patch };
  const file = join(folder, `${name}.json`);
  await writeFile(file, JSON.stringify(plan), { mode: 0o600 });
  const program = await startGuardedProcess(
    {
      name,
      command: process.execPath,
      args: [join(import.meta.dirname, `${name}-server.ts`), file],
      env: { NODE_ENV: 'production' },
      folder: join(import.meta.dirname, '../..'),
      logFolder: folder,
    },
    guard,
  );
  const server: PeerServer = {
    name,
    url: urlOf(port),
    pids: [program.pid],
    stop: async () => void (await program.stop('SIGKILL')),
  };
  const isUp = async (): Promise<boolean> => patchOf(await askPeer(server, review), review) === patch;
  await waitUntilUp(program, isUp, { timeoutMs: readyTimeoutMs, what: `${name} to answer` });
  return server;
}
