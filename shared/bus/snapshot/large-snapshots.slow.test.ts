import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createStaging } from '#shared/bus/read/staging.ts';
import { createDigestSet } from '#shared/bus/records/digest.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import {
  maxShardBytes,
  snapshotShardName,
  snapshotSummarySchema,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import { formatSnapshot, readSnapshot, summarize } from './snapshot-format.ts';
import { maxContentBytes, packSnapshotShards, unpackSnapshotShards } from './snapshot-shards.ts';

const takenAt = '2026-01-02T03:04:05.000Z';
const filesOf = (shards: readonly Uint8Array[] = []) =>
  new Map(shards.map((shard, index) => [snapshotShardName(index), shard]));

test('content that no reader would unpack is not packed, however small it becomes', async () => {
  const { shards, contentBytes, packedBytes } = await packSnapshotShards(
    Buffer.alloc(maxContentBytes + 1),
    takenAt,
  );
  assert.equal(shards, undefined);
  assert.equal(contentBytes, maxContentBytes + 1);
  assert.ok(packedBytes < maxShardBytes);
  const most = await packSnapshotShards(Buffer.alloc(maxContentBytes), takenAt);
  assert.equal((await unpackSnapshotShards(filesOf(most.shards))).state, 'whole');
});

/** As many entries of the k8s manager as a large cluster has Secrets, each with the trace of its own observation. */
function manyRecords(count: number): BusRecord[] {
  const set = createDigestSet();
  const records = Array.from({ length: count }, (_, index) => {
    const secret = `application-${index}-credentials`;
    const namespace = `project-${index % 97}-production`;
    const record = aRecord({
      key: formatKey({ owner: 'k8s', kind: 'entry', namespace, secret }),
      revision: index + 1,
      body: { schema: 1, items: { [`${secret}/password`]: {}, [`${secret}/username`]: {} } },
      trace: { traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01` },
    });
    set.set(record.key, record.bytes);
    return record;
  });
  return [...records, { ...aManifest('k8s', set, { epoch: 3, seq: 9 }), revision: count + 1 }];
}

test('10,000 entries fit, come back as a complete set, and are told in the summary', async (t) => {
  const records = manyRecords(10_000);
  const content = finishWork(formatSnapshot(records));
  const { generation, shards = [] } = await packSnapshotShards(content, takenAt);
  const summary = snapshotSummarySchema.parse(
    finishWork(summarize(records, { generation, takenAt, shards })),
  );
  assert.deepEqual(summary.owners, [{ owner: 'k8s', epoch: 3, seq: 9, records: 10_000 }]);
  assert.equal(summary.shardBytes.length, shards.length);
  t.diagnostic(`10,000 entries: ${content.length} bytes, in shards ${summary.shardBytes.join(' + ')} bytes`);
  const startMs = performance.now();
  const snapshot = await readSnapshot(filesOf(shards), Number.POSITIVE_INFINITY);
  assert.ok('records' in snapshot);
  const staging = createStaging('k8s');
  for (const record of snapshot.records) staging.stage(record);
  assert.equal(staging.apply()?.set.changes.length, 10_000);
  t.diagnostic(`read and staged in ${Math.round(performance.now() - startMs)} ms`);
});
