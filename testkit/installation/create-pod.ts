import type { V1Pod } from '@kubernetes/client-node';
import { ApiException } from '@kubernetes/client-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

/** What the API server answered to the creation of a pod. */
export type PodAnswer = { admitted: true; pod: V1Pod } | { admitted: false; code: number; message: string };

/** Creates a pod through the real API server; with `dryRun` it is admitted but not stored. */
export async function createPod(
  cluster: Pick<Cluster, 'kubernetes'>,
  pod: V1Pod,
  options: { dryRun?: boolean } = {},
): Promise<PodAnswer> {
  try {
    const created = await cluster.kubernetes.core.createNamespacedPod({
      namespace: pod.metadata?.namespace ?? 'default',
      body: pod,
      ...(options.dryRun ? { dryRun: 'All' } : {}),
    });
    return { admitted: true, pod: created };
  } catch (err) {
    if (!(err instanceof ApiException)) throw err;
    return { admitted: false, code: err.code, message: readMessage(err.body) };
  }
}

function readMessage(body: unknown): string {
  const status: unknown = typeof body === 'string' ? JSON.parse(body) : body;
  return typeof status === 'object' && status !== null && 'message' in status ? String(status.message) : '';
}

/** A resolver that starts listens for others before it publishes: 12 s on an idle machine, 20 and more on a busy one. */
const answerTimeoutMs = 60_000;

/** Waits until a dry run of the pod is answered as wanted; the error shows the last answer. */
export async function untilAnswered(
  cluster: Pick<Cluster, 'kubernetes'>,
  pod: V1Pod,
  wanted: { what: string; is: (answer: PodAnswer) => boolean },
  timeoutMs = answerTimeoutMs,
): Promise<PodAnswer> {
  let last: PodAnswer | undefined;
  const met = async (): Promise<PodAnswer | undefined> => {
    last = await createPod(cluster, pod, { dryRun: true });
    if (wanted.is(last)) return last;
    throw new Error(`last answer: ${JSON.stringify(last.admitted ? 'admitted' : last)}`);
  };
  return waitFor(met, { timeoutMs, what: wanted.what });
}

/** The first container's variables by name, as a value or a reference `secret/key`. */
export function variablesOf(pod: V1Pod): Record<string, string> {
  const variables = (pod.spec?.containers[0]?.env ?? []).map(({ name, value, valueFrom }) => {
    const reference = valueFrom?.secretKeyRef;
    return [name, reference === undefined ? (value ?? '') : `${reference.name}/${reference.key}`];
  });
  return Object.fromEntries(variables);
}

/** The first container's files from Secrets: path -> `secret/key`. */
export function filesOf(pod: V1Pod): Record<string, string> {
  const files = (pod.spec?.containers[0]?.volumeMounts ?? []).flatMap(({ name, mountPath }) => {
    const secret = pod.spec?.volumes?.find((volume) => volume.name === name)?.secret;
    return (secret?.items ?? []).map(({ key, path }) => [
      `${mountPath}/${path}`,
      `${secret?.secretName}/${key}`,
    ]);
  });
  return Object.fromEntries(files);
}
