import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { startGuardedProcess, waitUntilUp } from '#testkit/processes/guarded-process.ts';
import { requireMountNamespace, withFolderAt } from '#testkit/processes/mount-namespace.ts';
import type { ProcessGuard } from '#testkit/processes/process-guard.ts';
import { askPeer, patchOf } from './ask-peer.ts';
import type { PeerServer } from './peer-server.ts';
import { vaultReview } from './vault-review.ts';

const hourMs = 3_600_000;
const startTimeoutMs = 30_000;
/** A watch and an empty list: the injector serves as soon as it has looked for webhooks to keep the CA of. */
const emptyList = JSON.stringify({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfigurationList',
  metadata: { resourceVersion: '1' },
  items: [],
});

interface Pair {
  certificate: string;
  key: string;
}

/** An API server that has nothing. */
function startEmptyApi({ certificate, key }: Pair, port: number): Server {
  const server = createServer({ cert: certificate, key }, ({ url = '' }, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    if (url.includes('watch=')) response.flushHeaders();
    else response.end(emptyList);
  });
  return server.listen(port, 'localhost');
}

/** Starts HashiCorp's injector, built before; it decides with no call to anybody. */
export async function startVaultPeer(
  program: string,
  { review, folder, guard }: { review: string; folder: string; guard: ProcessGuard },
): Promise<PeerServer> {
  requireMountNamespace();
  const [port = 0, apiPort = 0] = await freePorts(2);
  const nowMs = Date.now();
  const ca = issueCaCertificate(await generateRsaKeys(2048), nowMs, hourMs);
  const pair = issueLeafCertificate(await generateRsaKeys(2048), ca, ['localhost'], nowMs, hourMs);
  const account = join(folder, 'run/secrets/kubernetes.io/serviceaccount');
  await mkdir(account, { recursive: true });
  await Promise.all([
    writeFile(join(folder, 'vault.crt'), pair.certificate),
    writeFile(join(folder, 'vault.key'), pair.key, { mode: 0o600 }),
    writeFile(join(account, 'token'), 'none', { mode: 0o600 }),
    writeFile(join(account, 'ca.crt'), ca.certificate),
  ]);
  const api = startEmptyApi(pair, apiPort);
  // It insists on the files of a pod's ServiceAccount, at the path of a pod.
  const line = withFolderAt(join(folder, 'run'), '/var/run', {
    command: program,
    args: [
      'agent-inject',
      `-listen=127.0.0.1:${port}`,
      `-tls-cert-file=${folder}/vault.crt`,
      `-tls-key-file=${folder}/vault.key`,
      '-vault-address=https://vault.vault.svc:8200',
    ],
  });
  const env = { KUBERNETES_SERVICE_HOST: 'localhost', KUBERNETES_SERVICE_PORT: `${apiPort}` };
  const injector = await startGuardedProcess(
    { name: 'vault', ...line, env: { PATH: process.env.PATH, ...env }, folder, logFolder: folder },
    guard,
  );
  const server: PeerServer = {
    name: 'vault-k8s',
    url: `https://127.0.0.1:${port}/mutate`,
    pids: [injector.pid],
    reviewOf: vaultReview,
    stop: async () => {
      await injector.stop('SIGKILL');
      api.closeAllConnections();
      api.close();
    },
  };
  const isUp = async (): Promise<boolean> => patchOf(await askPeer(server, review), review) !== '';
  await waitUntilUp(injector, isUp, { timeoutMs: startTimeoutMs, what: 'the injector to be ready' });
  return server;
}
