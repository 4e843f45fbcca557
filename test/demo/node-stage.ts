import { createNamespace } from '#testkit/node/create-namespace.ts';
import { untilRolledOut } from '#testkit/node/install-latchkey.ts';
import { startLatchkeyNode } from '#testkit/node/latchkey-node.ts';
import { aReadingTask, untilRead } from '#testkit/node/reading-task.ts';
import { createProgress } from '#tools/progress.ts';
import { demoGlobal, type Stage } from './stage.ts';

const webhookPort = 9443;
const own = ['-n', 'latchkey'];

/** Starts a real node, and latchkey in it as its manifests say. */
export async function startNodeStage(): Promise<Stage> {
  const { group, key, value } = demoGlobal;
  const variable = `FLYTE_SECRET_${group}_${key}`.toUpperCase();
  const globals = { variables: { [variable]: value } };
  const cluster = await startLatchkeyNode({ nodes: 1, globals, progress: createProgress(process.stderr) });
  const scale = async (workload: string, replicas: number): Promise<void> => {
    await cluster.kubectl([...own, 'scale', workload, `--replicas=${replicas}`]);
    await untilRolledOut(cluster);
  };
  return {
    cluster,
    createNamespace: (name, labels) => createNamespace(cluster, name, labels),
    aTask: aReadingTask,
    readTask: (pod) => untilRead(cluster, pod),
    scaleGateways: async (count) => {
      await scale('deployment/gateway', count);
      const selected = ['get', 'pods', '-l', 'app.kubernetes.io/name=gateway', '-o'];
      const addresses = await cluster.kubectl([...own, ...selected, 'jsonpath={.items[*].status.podIP}']);
      return Promise.all(addresses.split(' ').map((address) => cluster.forward(address, webhookPort)));
    },
    killBus: () => scale('statefulset/latchkey-nats', 0),
    startBus: () => scale('statefulset/latchkey-nats', 1),
    stop: cluster.stop,
  };
}
