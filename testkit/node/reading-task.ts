import type { V1Container, V1Pod } from '@kubernetes/client-node';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { taskImage } from './cluster-images.ts';
import type { RealCluster } from './real-cluster.ts';

const timeoutMs = 120_000;

/** What a task found: its variables, and the files of the folder that Flyte's SDK reads secrets from. */
export interface TaskReading {
  variables: Record<string, string>;
  files: Record<string, string>;
}

/** Runs in the task: what a program sees, in one line. */
function readSecrets(): void {
  const { readdirSync, readFileSync, statSync } = process.getBuiltinModule('node:fs');
  const { FLYTE_SECRETS_DEFAULT_DIR: folder } = process.env;
  const names = folder === undefined ? [] : readdirSync(folder, { recursive: true }).map(String);
  const paths = names.filter((name) => !name.includes('..')).map((name) => `${folder}/${name}`);
  const read = paths.filter((path) => statSync(path).isFile());
  const files = Object.fromEntries(read.map((path) => [path, readFileSync(path, 'utf8')]));
  console.log(JSON.stringify({ variables: process.env, files }));
}

/** A task pod as a namespace under the Pod Security Standard `restricted` takes it, which prints what it was given. */
export const aReadingTask = (namespace: string, name: string, secrets: readonly AskedSecret[]): V1Pod =>
  restrictedTask(aTaskPod(namespace, name, secrets), {
    name: 'task',
    image: taskImage,
    command: ['node', '--eval', `(${readSecrets.toString()})()`],
  });

/** The pod with that container alone, as the standard `restricted` wants both. */
export const restrictedTask = (pod: V1Pod, container: V1Container): V1Pod => ({
  ...pod,
  spec: {
    ...pod.spec,
    securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        ...container,
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
      },
    ],
  },
});

/** Waits until the task has ended well, and returns what it printed, as the object that it is. */
export const untilRead = async (
  cluster: Pick<RealCluster, 'kubectl' | 'kubernetes'>,
  pod: V1Pod,
): Promise<TaskReading> => JSON.parse(await taskOutput(cluster, pod));

/** Waits until the task has ended, and returns what it printed. Throws with its state when it has not ended well. */
export async function taskOutput(
  { kubectl, kubernetes: { core } }: Pick<RealCluster, 'kubectl' | 'kubernetes'>,
  pod: V1Pod,
): Promise<string> {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const phase = await waitFor(
    async () => {
      const { status } = await core.readNamespacedPod({ name, namespace });
      return status?.phase === 'Succeeded' || status?.phase === 'Failed' ? status.phase : undefined;
    },
    { timeoutMs, what: `the task ${name} to end` },
  );
  const output = await kubectl(['-n', namespace, 'logs', name]);
  if (phase === 'Failed') throw new Error(`the task ${name} failed:\n${output}`);
  return output;
}
