import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { clusterVolumes } from './cluster-volumes.ts';
import type { RealCluster } from './real-cluster.ts';

const root = resolve(import.meta.dirname, '../..');
const namespace = 'latchkey';
/** Also of a rollout in which the scheduler, a busy machine and several probes take their time. */
const rolloutTimeout = '240s';
const shownCharacters = 4_000;

/** Global secrets as an operator gives them: files of a group, and variables. */
export interface GlobalSecrets {
  platform?: Readonly<Record<string, string>>;
  variables?: Readonly<Record<string, string>>;
}

/** Installs latchkey as docs/install.md says, its manifests unmodified; resolves when every workload is ready. */
export async function installLatchkey(
  cluster: Pick<RealCluster, 'kubectl'>,
  globals: GlobalSecrets,
): Promise<void> {
  const { kubectl } = cluster;
  await kubectl(['apply', '-f', '-'], JSON.stringify(clusterVolumes()));
  await kubectl(['apply', '-f', join(root, 'deploy/namespace.yaml')]);
  const credentials = await promisify(execFile)(process.execPath, [
    join(root, 'deploy/nats/generate-credentials.ts'),
  ]);
  await kubectl(['create', '-f', '-'], credentials.stdout);
  await kubectl(['apply', '-f', '-'], JSON.stringify(globalSecrets(globals)));
  await kubectl(['apply', '-k', join(root, 'deploy')]);
  await untilRolledOut(cluster);
}

/** Waits until every workload is as its manifest says. Throws with what its pods say when one stays behind. */
export async function untilRolledOut({ kubectl }: Pick<RealCluster, 'kubectl'>): Promise<void> {
  const list = await kubectl(['-n', namespace, 'get', 'deployments,statefulsets', '-o', 'name']);
  const status = ['-n', namespace, 'rollout', 'status', `--timeout=${rolloutTimeout}`];
  const rolledOut = async (workload: string): Promise<void> => {
    await kubectl([...status, workload]).catch(async (cause) => {
      const pods = await kubectl(['-n', namespace, 'get', 'pods', '-o', 'wide']);
      const events = await kubectl(['-n', namespace, 'get', 'events', '--sort-by=.lastTimestamp']);
      throw new Error(`${workload} is not ready:\n${pods}\n${events.slice(-shownCharacters)}`, { cause });
    });
  };
  await Promise.all(list.trim().split('\n').map(rolledOut));
}

const globalSecrets = ({ platform = {}, variables = {} }: GlobalSecrets) => ({
  apiVersion: 'v1',
  kind: 'List',
  items: [aSecret('global-secrets-platform', platform), aSecret('global-secrets-environment', variables)],
});

const aSecret = (name: string, stringData: Readonly<Record<string, string>>) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace },
  stringData,
});
