import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { untilAnswered } from '#testkit/installation/create-pod.ts';
import { selectedLabels } from '#testkit/installation/running-installation.ts';
import type { AskedSecret } from '#testkit/pods/task-pod.ts';
import type { Progress } from '#tools/progress.ts';
import { clusterImages, natsImageOf } from './cluster-images.ts';
import { createNamespace } from './create-namespace.ts';
import { type GlobalSecrets, installLatchkey } from './install-latchkey.ts';
import { aReadingTask, type TaskReading, untilRead } from './reading-task.ts';
import { findNodePrograms, type RealCluster, startRealCluster } from './real-cluster.ts';

export const taskNamespace = 'flytesnacks-development';
const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
/** Global secrets of a cluster that is given no others. */
const exampleGlobals: GlobalSecrets = { platform: { 'example-token': 'a-global-value' } };

/** A file and a variable of each of the two managers that a default installation asks. */
const asked: readonly AskedSecret[] = [
  { group: 'db-creds', key: 'password', mount: 'ENV_VAR', envVar: 'DB_PASSWORD' },
  { group: 'db-creds', key: 'user', mount: 'FILE' },
  { group: 'platform', key: 'example-token', mount: 'ENV_VAR', envVar: 'EXAMPLE_TOKEN' },
  { group: 'platform', key: 'example-token', mount: 'FILE' },
];

const manifest = join(import.meta.dirname, '../../deploy/nats/nats.yaml');

interface NodeOptions {
  nodes: number;
  progress: Progress;
  globals?: GlobalSecrets;
}

/** Starts a real cluster with latchkey in it, ready for tasks. */
export async function startLatchkeyNode({
  nodes,
  progress,
  globals = exampleGlobals,
}: NodeOptions): Promise<RealCluster> {
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
  try {
    await step('Installing latchkey (kubectl apply -k deploy)', () => installLatchkey(cluster, globals));
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/** Runs a task that asks for secrets, in a namespace under the standard `restricted`, and returns what it read. */
export async function runReadingTask(cluster: RealCluster, progress: Progress): Promise<TaskReading> {
  const done = progress.start('Running a task that asks for four secrets');
  await createNamespace(cluster, taskNamespace, { ...selectedLabels, ...restricted });
  const secret = { metadata: { name: 'db-creds' }, stringData: { password: 'pa55', user: 'task-author' } };
  await cluster.kubernetes.core.createNamespacedSecret({ namespace: taskNamespace, body: secret });
  const pod = aReadingTask(taskNamespace, 'train-model-n0', asked);
  await untilAnswered(cluster, pod, { what: 'the task to be admitted', is: ({ admitted }) => admitted });
  await cluster.kubernetes.core.createNamespacedPod({ namespace: taskNamespace, body: pod });
  const reading = await untilRead(cluster, pod);
  done('done');
  return reading;
}
