import { join, resolve } from 'node:path';
import { runProgram } from '#testkit/processes/run-program.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { untilRolledOut } from './install-latchkey.ts';
import type { RealCluster } from './real-cluster.ts';

/** What happens to an installation in a cluster's life, each done until it is over. */
export type Disturbance = (cluster: RealCluster) => Promise<void>;

const own = ['-n', 'latchkey'];
const commandLine = join(resolve(import.meta.dirname, '../..'), 'cli/main.ts');

/** Deletes the pods of a service one by one, without a moment to end in, and waits for the successor of each. */
const killPods =
  (service: string): Disturbance =>
  async (cluster) => {
    const selected = [...own, 'get', 'pods', '-l', `app.kubernetes.io/name=${service}`, '-o', 'name'];
    const pods = (await cluster.kubectl(selected)).trim().split('\n');
    for (const pod of pods) {
      await cluster.kubectl([...own, 'delete', pod, '--force', '--grace-period=0']);
      await untilRolledOut(cluster);
    }
  };

const restart =
  (...workloads: readonly string[]): Disturbance =>
  async (cluster) => {
    await cluster.kubectl([...own, 'rollout', 'restart', ...workloads]);
    await untilRolledOut(cluster);
  };

const rotate =
  (what: '--leaf' | '--ca'): Disturbance =>
  async ({ kubeconfigFile }) => {
    await runProgram(process.execPath, [
      commandLine,
      'rotate',
      what,
      '--wait',
      '--kubeconfig',
      kubeconfigFile,
    ]);
  };

const everyWorkload = ['gateway', 'cert-manager', 'discovery', 'resolver-global', 'resolver-k8s'].map(
  (name) => `deployment/${name}`,
);

/** By name, in an order in which each finds the installation whole. */
export const disturbances = {
  'rollout of the gateways': restart('deployment/gateway'),
  'rollout of every service and of NATS': restart(...everyWorkload, 'statefulset/latchkey-nats'),
  'NATS pod killed': killPods('latchkey-nats'),
  'gateways killed, one after the other': killPods('gateway'),
  'kubelet restarted': async (cluster: RealCluster) => {
    const [node] = cluster.nodes;
    const renewed = () =>
      cluster.kubectl([
        '-n',
        'kube-node-lease',
        'get',
        'lease',
        `${node?.name}`,
        '-o',
        'jsonpath={.spec.renewTime}',
      ]);
    await node?.restartKubelet();
    const before = await renewed();
    await waitFor(async () => (await renewed()) !== before, {
      timeoutMs: 60_000,
      what: 'the new kubelet to renew its Lease',
      intervalMs: 500,
    });
  },
  'leaf rotation': rotate('--leaf'),
  'CA rotation': rotate('--ca'),
} satisfies Readonly<Record<string, Disturbance>>;

/** Ends everything in the second node, as a machine without power does. */
export const loseSecondNode: Disturbance = async ({ nodes }) => {
  const [, node] = nodes;
  if (node === undefined) throw new Error('the cluster has one node');
  await node.lose();
};

/** Lets a CA rotation end at once: by default the old CA is trusted for another day. Takes effect with the next mount. */
export async function allowCaRotation({ kubectl }: RealCluster): Promise<void> {
  const read = ['get', 'configmap', 'latchkey-config', '-o', 'json'];
  const { data }: { data: Record<string, string> } = JSON.parse(await kubectl([...own, ...read]));
  const patch = {
    data: { 'latchkey.yaml': `${data['latchkey.yaml']}\ntls:\n  rotation:\n    overlapHours: 0\n` },
  };
  await kubectl([...own, 'patch', 'configmap', 'latchkey-config', '--patch', JSON.stringify(patch)]);
}
