import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { freePorts } from '../cluster/free-address.ts';
import { startGuardedProcess, waitUntilUp } from '../cluster/guarded-process.ts';
import { configMapName } from '../cluster/installation.ts';
import { installationNamespace } from '../cluster/manifests.ts';
import { unlimitedUser } from '../cluster/nats-server.ts';

const repository = join(import.meta.dirname, '../..');

/** Starts the resolver of the manager `vault`, which deploy/ leaves to the operator; resolves when it is ready. */
export async function startVaultResolver(cluster: Cluster): Promise<void> {
  const folder = join(cluster.folder, 'vault-resolver');
  await mkdir(folder, { recursive: true });
  const { data } = await cluster.harness.core.readNamespacedConfigMap({
    name: configMapName,
    namespace: installationNamespace,
  });
  await writeFile(join(folder, 'latchkey.yaml'), data?.['latchkey.yaml'] ?? '');
  await writeFile(join(folder, 'username'), unlimitedUser);
  await writeFile(join(folder, 'password'), cluster.nats.passwords[unlimitedUser] ?? '', { mode: 0o600 });
  const [healthPort = 0] = await freePorts(1);
  const resolver = await startGuardedProcess(
    {
      name: 'resolver-vault',
      command: process.execPath,
      args: ['services/resolver/main.ts', '--manager', 'vault'],
      env: {
        LATCHKEY_CONFIG: join(folder, 'latchkey.yaml'),
        NATS_URL: cluster.natsUrl,
        NATS_CREDENTIALS: folder,
        HEALTH_PORT: `${healthPort}`,
        POD_NAME: 'resolver-vault-0',
        POD_NAMESPACE: installationNamespace,
        POD_UID: 'resolver-vault-0',
      },
      folder: repository,
      logFolder: cluster.logFolder,
    },
    cluster.guard,
  );
  const isReady = async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).ok;
  await waitUntilUp(resolver, isReady, { timeoutMs: 60_000, what: 'the resolver of vault to be ready' });
}
