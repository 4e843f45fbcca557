import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  rulesSnapshotAnnotation,
  type SnapshotSummary,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { planShard } from './snapshot-secrets.ts';

const summary: SnapshotSummary = {
  schema: 1,
  generation: 'a'.repeat(64),
  takenAt: '2026-01-02T03:04:05.000Z',
  shardBytes: [1],
  owners: [],
};
const snapshot = { shards: [Buffer.from('x')], summary };
const aSecret = (given: Partial<Secret> = {}): Secret => ({
  metadata: { name: 's', namespace: 'n', uid: 'u', resourceVersion: '7', annotations: { other: 'kept' } },
  type: 'Opaque',
  ...given,
});

test('an empty Secret takes its shard, the first one the summary too, and keeps what else it has', () => {
  assert.deepEqual(planShard(aSecret(), 0, snapshot), {
    type: 'Opaque',
    data: { 'shard-0': 'eA==' },
    metadata: {
      name: 's',
      namespace: 'n',
      uid: 'u',
      resourceVersion: '7',
      annotations: { other: 'kept', [rulesSnapshotAnnotation]: JSON.stringify(summary) },
    },
  });
});

test('what holds its shard already is not written', () => {
  const first = planShard(aSecret(), 0, snapshot);
  assert.ok(first);
  assert.equal(planShard(first, 0, snapshot), undefined);
  assert.equal(planShard(aSecret(), 1, snapshot), undefined);
});

test('a shard that is not needed any more, another key and a foreign annotation are taken out', () => {
  const left = aSecret({ data: { 'shard-1': 'eA==' } });
  assert.deepEqual(planShard(left, 1, snapshot)?.data, {});
  const more = planShard(aSecret({ data: { 'shard-0': 'eA==', more: '' } }), 0, snapshot);
  assert.deepEqual(more?.data, { 'shard-0': 'eA==' });
  const annotated = aSecret({ metadata: { name: 's', annotations: { [rulesSnapshotAnnotation]: '{}' } } });
  assert.deepEqual(planShard(annotated, 1, snapshot)?.metadata.annotations, {});
});
