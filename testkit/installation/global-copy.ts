import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { V1Secret } from '@kubernetes/client-node';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { type AskedSecret, aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createPod, filesOf, variablesOf } from './create-pod.ts';

/** The copies of global secrets in a namespace, by the label that marks them. */
export async function copySecretsIn({ harness }: Cluster, namespace: string): Promise<V1Secret[]> {
  const labelSelector = 'latchkey.dev/copy=global';
  return (await harness.core.listNamespacedSecret({ namespace, labelSelector })).items;
}

export const nameOf = ({ metadata }: V1Secret): string => metadata?.name ?? '';

/** What they hold: lookup name (`file:team/token`) -> value. */
export async function copiesIn(cluster: Cluster, namespace: string): Promise<Record<string, string>> {
  const secrets = await copySecretsIn(cluster, namespace);
  const entries = secrets.flatMap(({ data }) => Object.entries(data ?? {}));
  return Object.fromEntries(entries.map(([key, value]) => [lookupName(key), decode(value)]));
}

/** The shard that a global secret is in: the first hex digit of its name's hash, as shared/managers/chain/global-copies.ts says. */
export const shardOf = (name: string): string => createHash('sha256').update(name).digest('hex').charAt(0);

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString();
const lookupName = (dataKey: string): string =>
  dataKey.replaceAll(/_([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Waits until a namespace holds exactly these global secrets. The error shows names only: values may be long. */
export async function untilCopied(
  cluster: Cluster,
  namespace: string,
  expected: Readonly<Record<string, string>>,
): Promise<void> {
  const condition = async (): Promise<boolean> => {
    const copies = await copiesIn(cluster, namespace);
    const names = new Set([...Object.keys(copies), ...Object.keys(expected)]);
    const wrong = [...names].filter((name) => copies[name] !== expected[name]);
    if (wrong.length > 0) throw new Error(`not as wanted: ${wrong.join(', ')}`);
    return true;
  };
  await waitFor(condition, { timeoutMs: 20_000, what: `the copies in ${namespace}` });
}

/** The value that a task of the namespace reads for a global secret: what its pod refers to, looked up. */
export async function readGlobalCopy(
  cluster: Cluster,
  namespace: string,
  asked: AskedSecret,
): Promise<string | undefined> {
  const answer = await createPod(cluster, aTaskPod(namespace, 'reads', [asked]), { dryRun: true });
  assert.ok(answer.admitted, JSON.stringify(answer));
  const places = asked.mount === 'FILE' ? filesOf(answer.pod) : variablesOf(answer.pod);
  const reference = Object.values(places).find((place) => place.startsWith('latchkey-global-')) ?? '';
  const [name = '', key = ''] = reference.split('/');
  const secret = await cluster.harness.core.readNamespacedSecret({ namespace, name });
  const value = secret.data?.[key];
  return value === undefined ? undefined : decode(value);
}
