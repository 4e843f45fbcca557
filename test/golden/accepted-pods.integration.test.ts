import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { V1Pod } from '@kubernetes/client-node';
import { admitReview } from '#shared/core/admission/admit.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { type BareCluster, startBareCluster } from '#testkit/cluster/bare-cluster.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';
import { answerGolden, type GoldenCase, type Json, readGolden } from '#testkit/pods/golden-case.ts';

/** What a real kube-apiserver says to the pods that the core has injected. */
let cluster: BareCluster;
before(async () => {
  cluster = await startBareCluster();
  await cluster.createNamespace('restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  await cluster.createNamespace('free');
});
after(() => cluster?.stop());

/** Creates the pod and returns it as stored. */
async function store(pod: object, namespace: string): Promise<Json> {
  const stored = await cluster.harness.core.createNamespacedPod({ namespace, body: pod as V1Pod });
  return JSON.parse(JSON.stringify(stored));
}

const securityContext = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
const inventory = { global: { files: { 'team/token': 'v' } }, k8s: { ns: { db: ['pass'] } } };
const rulesOf = (section: object): Rules =>
  someRules(
    { chain: ['global', 'k8s', 'azure', 'gcp', 'vault', 'aws'], aws: section, gcp: section, azure: section },
    inventory,
  );
const common = [
  { group: 'team', key: 'token', envVar: 'TOKEN' },
  { group: 'db', key: 'pass', mountRequirement: 2 },
];
const pulled = [
  { group: 'https://v.vault.azure.net/secrets/x', groupVersion: '3' },
  { group: 'projects/1/secrets/y', groupVersion: '7' },
  { group: 'arn:aws:secretsmanager:eu-west-1:1:secret:', key: 'z-AbCdEf' },
];
const fromVault = [{ group: 'secret/data/a', key: 'api-key', envVar: 'API_KEY' }];

/** Task pods that ask all managers, files of Vault in every second one; fit for the restricted level by themselves. */
function taskPods(count: number): object[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `task-${index}`;
    const labels = { 'inject-flyte-secrets': 'true' };
    const containers = [{ name: 'main', image: 'img', securityContext }];
    const pod: V1Pod = aPod({
      asks: [...common, ...(index % 2 === 0 ? fromVault : pulled)],
      spec: { containers },
    });
    return { ...pod, metadata: { ...pod.metadata, name, labels } };
  });
}

function inject(pod: object, rules: Rules): number {
  const { outcome, patch } = admitReview(aReview(pod), rules);
  assert.equal(outcome, 'injected');
  applyPatch(pod, patch);
  return patch.length;
}

test('with a securityContext every pod of 200 that ask all managers is admitted at the restricted level', async () => {
  const rules = rulesOf({ securityContext });
  for (const pod of taskPods(200)) {
    inject(pod, rules);
    assert.equal(inject(await store(pod, 'restricted'), rules), 0, 'a second pass changes the stored pod');
  }
});

test('with the pull containers of Flyte Pod Security refuses a pod at the restricted level', async () => {
  const [, pod] = taskPods(2);
  assert.ok(pod !== undefined);
  inject(pod, rulesOf({}));
  await assert.rejects(store(pod, 'restricted'), {
    code: 403,
    body: /violates PodSecurity.*aws-pull-secret-2/,
  });
});

test('every recorded pod that is injected is accepted, and a second pass leaves it alone', async () => {
  const recorded = ['flyte-v1.public.ndjson', 'quirks.ndjson'].flatMap((file) =>
    readGolden<GoldenCase>(file),
  );
  let accepted = 0;
  for (const golden of recorded) {
    const { admission, pod } = answerGolden(golden);
    if (admission.outcome !== 'injected') continue;
    const { metadata, spec }: V1Pod = JSON.parse(JSON.stringify(pod));
    // What the cluster of this test does not have, or sets itself.
    for (const field of ['serviceAccountName', 'serviceAccount', 'priority', 'priorityClassName'] as const) {
      delete spec?.[field];
    }
    const { labels = {}, annotations = {} } = metadata ?? {};
    const named = { metadata: { name: `pod-${accepted++}`, labels, annotations }, spec };
    const stored = await store(named, 'free');
    assert.deepEqual(answerGolden({ ...golden, pod: stored }).admission.patch, [], golden.id);
  }
  assert.ok(accepted > 100, `only ${accepted} pods were injected`);
});
