import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { connectKubernetes, type Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { type BareCluster, startBareCluster } from '#testkit/cluster/bare-cluster.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { factFieldSelector } from '../../services/discovery/kubernetes/secret-fact.ts';
import { watchSecrets } from '../../services/discovery/kubernetes/watch-secrets.ts';

const namespace = 'listed';
const log = pino({ level: 'silent' });
let cluster: BareCluster;
let kubernetes: Kubernetes;

before(async () => {
  cluster = await startBareCluster();
  await cluster.createNamespace(namespace);
  kubernetes = connectKubernetes({ kubeconfigFile: cluster.kubeconfigFile, log });
});
after(async () => {
  kubernetes?.close();
  await cluster?.stop();
});

const put = (name: string, type: string) => {
  const annotations = { 'kubernetes.io/service-account.name': 'default' };
  const body = { metadata: { name, annotations }, type, data: {} };
  return cluster.kubernetes.core.createNamespacedSecret({ namespace, body });
};
async function putOneOfEach(when: string): Promise<void> {
  await put(`helm-${when}`, 'helm.sh/release.v1');
  await put(`token-${when}`, 'kubernetes.io/service-account-token');
  await put(`mine-${when}`, 'Opaque');
}

test('Helm releases and tokens of service accounts are never sent to discovery', async (t) => {
  await putOneOfEach('before');
  const sent: string[] = [];
  const known = new Set<string>();
  const source = watchSecrets<string>({
    kubernetes,
    namespaces: { names: [namespace] },
    fieldSelector: factFieldSelector,
    transform: ({ metadata }) => {
      sent.push(metadata.name);
      return { key: metadata.name, value: metadata.name };
    },
    onChange: ({ key }) => void known.add(key),
    onListed: () => undefined,
    clock: systemClock,
    log,
  });
  t.after(source.stop);
  const until = (name: string) =>
    waitFor(() => known.has(name), { timeoutMs: 10_000, what: `${name} to be seen` });
  await until('mine-before');
  await putOneOfEach('after');
  await until('mine-after');
  assert.deepEqual(sent, ['mine-before', 'mine-after']);
});
