import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import { formatSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { packSnapshotShards } from '#shared/bus/snapshot/snapshot-shards.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { snapshotSecretName, snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';
import { explainReview } from './explanation.ts';
import { readLiveSnapshot, rulesOfRecords } from './live-rules.ts';

const takenAt = '2026-01-02T03:04:05.000Z';
const config = latchkeyConfigSchema.parse({ chain: ['k8s'] });
const namespace = 'latchkey';

const entryKey = formatKey({ owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'db' });

/** The records of the manager k8s, which knows the Secret `db` of the namespace `ns`; its manifest comes last. */
function someRecords() {
  const recipe = aRecord({ key: 'k8s.recipe', body: managers.get('k8s')?.recipe(config) });
  const fact = {
    schema: 1,
    source: 'k8s',
    namespace: 'ns',
    secret: 'db',
    keys: ['pass'],
    version: '1',
  } as const;
  const rule = managers.get('k8s')?.entry({ ...fact, keys: [...fact.keys] }, config);
  const marker = formatKey({ owner: 'k8s', kind: 'namespace', namespace: 'ns' });
  const records = [
    recipe,
    aRecord({ key: marker, body: { schema: 1, namespace: 'ns' } }),
    aRecord({ key: entryKey, body: rule?.entry }),
  ];
  const digests = createDigestSet();
  for (const { key, bytes } of records) digests.set(key, bytes);
  return [...records, aManifest('k8s', digests, { recipeDigest: recipeDigest(recipe.bytes) })];
}

/** An API server that has these Secrets of a snapshot, one answer after another. */
function servingSecrets(answers: Record<string, string>[]): Kubernetes {
  let reads = 0;
  const json: Kubernetes['json'] = async (call) => {
    const index = Number(call.path.at(-1));
    const data = answers[Math.min(Math.floor(reads++ / 4), answers.length - 1)] ?? {};
    const shard = data[snapshotShardName(index)];
    if (shard === undefined) throw refusedError(call, { statusCode: 404 });
    return { metadata: { name: snapshotSecretName(index) }, data: { [snapshotShardName(index)]: shard } };
  };
  return { json } as Kubernetes;
}

const mostBytes = 1_024 * 1_024;
const noWait = { sleep: async () => undefined };

test('the rules of the snapshot in the cluster answer as those of a gateway', async () => {
  const { shards = [] } = await packSnapshotShards(finishWork(formatSnapshot(someRecords())), takenAt);
  const data = Object.fromEntries(
    shards.map((shard, index) => [snapshotShardName(index), Buffer.from(shard).toString('base64')]),
  );
  const snapshot = await readLiveSnapshot(
    { kubernetes: servingSecrets([data]), namespace },
    mostBytes,
    noWait,
  );
  assert.equal(snapshot.takenAt, takenAt);
  const rules = rulesOfRecords(snapshot.records, config, 5_000);
  const codeOf = (key: string, ns = 'ns'): number => {
    const review = aReview(aPod({ asks: [{ group: 'db', key }] }), { namespace: ns });
    return explainReview(review, () => rules).response.status?.code ?? 200;
  };
  assert.deepEqual([codeOf('pass'), codeOf('nosuch'), codeOf('pass', 'other')], [200, 404, 503]);
});

test('a manager whose set is not complete is unknown, as to a gateway', () => {
  const records = someRecords().filter(({ key }) => key !== entryKey);
  const rules = rulesOfRecords(records, config, 0);
  const review = aReview(aPod({ asks: [{ group: 'db', key: 'pass' }] }));
  assert.equal(explainReview(review, () => rules).response.status?.code, 503);
});

test('a snapshot that is missing says so', async () => {
  await assert.rejects(
    readLiveSnapshot({ kubernetes: servingSecrets([{}]), namespace }, mostBytes, noWait),
    (err) =>
      err instanceof LatchkeyError && err.code === 'SNAPSHOT_UNUSABLE' && /is missing/.test(err.message),
  );
});

test('--live takes no inventory, and no batch', async () => {
  for (const args of [
    ['--live', '--inventory', 'x', 'pod.yaml'],
    ['--live', '--batch'],
  ]) {
    assert.equal((await runLatchkey(['explain', ...args])).code, 2);
  }
});
