import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { untilAnswered } from '#testkit/installation/create-pod.ts';
import { selectedLabels } from '#testkit/installation/running-installation.ts';
import { clusterImages, natsImageOf } from '#testkit/node/cluster-images.ts';
import { installLatchkey } from '#testkit/node/install-latchkey.ts';
import { aReadingTask, type TaskReading, untilRead } from '#testkit/node/reading-task.ts';
import { findNodePrograms, type RealCluster, startRealCluster } from '#testkit/node/real-cluster.ts';
import type { AskedSecret } from '#testkit/pods/task-pod.ts';
import type { Progress } from '#tools/progress.ts';

export const taskNamespace = 'flytesnacks-development';
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
const globals = { platform: { 'example-token': 'a-global-value' } };

/** A file and a variable of each of the two managers that a default installation asks. */
const asked: readonly AskedSecret[] = [
  { group: 'db-creds', key: 'password', mount: 'ENV_VAR', envVar: 'DB_PASSWORD' },
  { group: 'db-creds', key: 'user', mount: 'FILE' },
  { group: 'platform', key: 'example-token', mount: 'ENV_VAR', envVar: 'EXAMPLE_TOKEN' },
  { group: 'platform', key: 'example-token', mount: 'FILE' },
];

const manifest = join(import.meta.dirname, '../../deploy/nats/nats.yaml');

/** Starts a real cluster with latchkey in it. `onStart` gets it as soon as something of it may have to be stopped. */
export async function startNodeWithLatchkey(
  nodes: number,
  progress: Progress,
  onStart: (cluster: RealCluster) => void,
): Promise<RealCluster> {
  const programs = await findNodePrograms();
  const images = await clusterImages(programs, natsImageOf(await readFile(manifest, 'utf8')));
  const step = async <T>(title: string, work: () => Promise<T>): Promise<T> => {
    const done = progress.start(title);
    const result = await work().catch((error: unknown) => {
      done('failed');
      throw error;
    });
    done('done');
    return result;
  };
  const cluster = await step(`Starting a cluster of ${nodes} node${nodes > 1 ? 's' : ''}`, () =>
    startRealCluster({ programs, images, nodes }),
  );
  onStart(cluster);
  await step('Installing latchkey (kubectl apply -k deploy)', () => installLatchkey(cluster, globals));
  return cluster;
}

/** Runs a task that asks for secrets, in a namespace under the standard `restricted`, and returns what it read. */
export async function runReadingTask(cluster: RealCluster, progress: Progress): Promise<TaskReading> {
  const done = progress.start('Running a task that asks for four secrets');
  const namespace = { metadata: { name: taskNamespace, labels: { ...selectedLabels, ...restricted } } };
  await cluster.kubernetes.core.createNamespace({ body: namespace });
  const secret = { metadata: { name: 'db-creds' }, stringData: { password: 'pa55', user: 'task-author' } };
  await cluster.kubernetes.core.createNamespacedSecret({ namespace: taskNamespace, body: secret });
  const pod = aReadingTask(taskNamespace, 'train-model-n0', asked);
  await untilAnswered(cluster, pod, { what: 'the task to be admitted', is: ({ admitted }) => admitted });
  await cluster.kubernetes.core.createNamespacedPod({ namespace: taskNamespace, body: pod });
  const reading = await untilRead(cluster, pod);
  done('done');
  return reading;
}
