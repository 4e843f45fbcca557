import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatSnapshot, readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { packSnapshotShards } from '#shared/bus/snapshot/snapshot-shards.ts';
import { rulesBucket as bucket, formatKey, streamOf } from '#shared/contracts/bus/bucket.ts';
import { snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { workInTurns } from '#shared/runtime/turn-queue.ts';
import { entries, entryKey, followSet, publishSet, waitForValues } from '#testkit/nats/follow-set.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createReader } from './reader.ts';

const owner = 'k8s';

let testBus: TestBus;
let writing: Bus;
before(async () => {
  testBus = await startTestBus();
  writing = await testBus.connect();
});
after(() => testBus.stop());
beforeEach(emptyBucket);

async function emptyBucket(): Promise<void> {
  await testBus.deleteBucket(bucket);
  const isThere = () => ensureBuckets(writing, { log: testBus.log });
  await waitFor(isThere, { timeoutMs: 10_000, what: 'an empty bucket' });
}

/** What a snapshot of these records holds when it is read again. */
async function throughSnapshot(records: readonly BusRecord[]): Promise<readonly BusRecord[]> {
  const { shards = [] } = await packSnapshotShards(
    await workInTurns(formatSnapshot(records)),
    new Date().toISOString(),
  );
  const read = await readSnapshot(
    new Map(shards.map((shard, index) => [snapshotShardName(index), shard])),
    1_024 * 1_024,
  );
  assert.ok('records' in read);
  return read.records;
}

test('a reader begins with a snapshot while there is no bus, and goes on with what changed since', async (t) => {
  const publisher = publishSet(t, testBus, writing, bucket, owner);
  publisher.replace(entries(owner, { a: 1, b: 2 }));
  const first = followSet(t, testBus, writing, bucket, owner, { keepsRecords: true });
  await waitForValues(first, owner, { a: 1, b: 2 });
  const initial = await throughSnapshot(await first.reader.records());
  publisher.put(entryKey(owner, 'a'), { schema: 1, value: 3 });
  publisher.remove(entryKey(owner, 'b'));
  await waitForValues(first, owner, { a: 3 });

  await testBus.nats.kill9();
  const second = followSet(t, testBus, await testBus.connect(), bucket, owner, {
    initial,
    keepsRecords: true,
  });
  assert.equal(second.values.size, 2);
  assert.ok(second.reader.isComplete(owner));
  assert.deepEqual(
    (await second.reader.records()).map((record) => ({ ...record })),
    initial,
  );
  await testBus.nats.start();
  await waitForValues(second, owner, { a: 3 });
});

test('an empty bucket takes nothing away from a snapshot; its new publisher does once somebody confirms it', async (t) => {
  const first = followSet(t, testBus, writing, bucket, owner, { keepsRecords: true });
  // Several publishers: the epoch begins anew with the bucket, and its first claim may take two attempts.
  for (const value of [1, 2, 3, 4]) {
    const former = publishSet(t, testBus, writing, bucket, owner);
    former.replace(entries(owner, { a: 1, b: 2, c: value }));
    await waitForValues(first, owner, { a: 1, b: 2, c: value });
    await former.stop();
  }
  const initial = await throughSnapshot(await first.reader.records());
  await first.reader.stop();
  await emptyBucket();

  const held = new Map<string, boolean>();
  const reader = createReader(await testBus.connect(), {
    bucket,
    owners: [owner],
    initial,
    log: testBus.log,
    clock: systemClock,
    onApply: ({ changes }) => {
      for (const { key, value } of changes) held.set(formatKey(key), value !== undefined);
    },
  });
  t.after(() => reader.stop());
  const entriesHeld = () => ['a', 'b', 'c'].map((secret) => held.get(entryKey(owner, secret)));
  const successor = publishSet(t, testBus, writing, bucket, owner);
  successor.replace(entries(owner, { a: 1 }));
  const isPublished = () => successor.published();
  const published = await waitFor(isPublished, { timeoutMs: 10_000, what: 'the set of the new publisher' });
  const { jsm } = await testBus.admin();
  const { last_seq: last } = (await jsm.streams.info(streamOf(bucket))).state;
  const isRead = () => reader.revision(owner) === last;
  await waitFor(isRead, { timeoutMs: 10_000, what: 'the set of the new publisher to be read' });
  assert.deepEqual(entriesHeld(), [true, true, true]);
  reader.confirm([published]);
  assert.deepEqual(entriesHeld(), [true, false, false]);
});
