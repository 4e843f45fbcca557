import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createDigestSet } from '#shared/bus/records/digest.ts';
import { formatHeaders } from '#shared/bus/records/record.ts';
import { rulesBucket as bucket, formatKey, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import {
  assertOnlyStates,
  entries,
  entryKey,
  followSet,
  publishedSet,
  publishSet,
  waitForValues,
} from '#testkit/nats/follow-set.ts';
import { startPausableProxy } from '#testkit/nats/pausable-proxy.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const owner = 'k8s';
const stream = streamOf(bucket);
/** The checks of every second come every 100 ms here. */
const fastClock = acceleratedClock(10);

let testBus: TestBus;
let writing: Bus;
let reading: Bus;

before(async () => {
  testBus = await startTestBus();
  [writing, reading] = await Promise.all([testBus.connect(), testBus.connect()]);
});
after(() => testBus.stop());
beforeEach(() => testBus.renewBucket(writing, bucket));

test('an old publisher that wakes up beside a new one stops, and what it still wrote is repaired', async (t) => {
  const proxy = await startPausableProxy(testBus.nats.url);
  t.after(() => proxy.close());
  const sleeping = await testBus.connect('harness', { url: proxy.url });
  const set = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
  const old = publishSet(t, testBus, sleeping, bucket, owner, fastClock);
  old.replace(entries(owner, { a: 1, b: 2 }));
  await waitForValues(set, owner, { a: 1, b: 2 });
  await waitFor(() => old.pendingMs() === 0, { timeoutMs: 5_000, what: 'the old publisher to rest' });

  proxy.pause('to-server');
  old.put(entryKey(owner, 'a'), { schema: 1, value: 'stale' });
  old.remove(entryKey(owner, 'b'));
  const next = publishSet(t, testBus, writing, bucket, owner, fastClock);
  next.replace(entries(owner, { a: 1, b: 2, c: 3 }));
  await waitForValues(set, owner, { a: 1, b: 2, c: 3 });
  const { jsm } = await testBus.admin();
  const revision = (await jsm.streams.info(stream)).state.last_seq;

  proxy.resume();
  await waitFor(() => old.superseded.length === 1, { timeoutMs: 10_000, what: 'the old publisher to stop' });
  assert.equal(old.superseded[0]?.code, 'PUBLISHER_SUPERSEDED');
  assert.ok((await jsm.streams.info(stream)).state.last_seq > revision, 'the stale records were written');
  const fresh = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
  t.diagnostic(`repaired after ${await waitForValues(fresh, owner, { a: 1, b: 2, c: 3 })} ms`);
  assert.equal(next.superseded.length, 0);
  assertOnlyStates(set, [{}, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }]);
});

test('records, removals and manifests that a loser writes after the claim are repaired', async (t) => {
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    fastClock,
  );
  await publisher.stop();
  const next = publishSet(t, testBus, writing, bucket, owner, fastClock);
  next.replace(entries(owner, { a: 1, b: 2 }));
  await waitFor(() => next.pendingMs() === 0 && next.published(), {
    timeoutMs: 5_000,
    what: 'the successor',
  });

  const { js } = await testBus.admin();
  const store = (record: ReturnType<typeof aRecord>) =>
    js.publish(subjectOf(bucket, record.key), record.bytes, { headers: formatHeaders(record) });
  await store(aRecord({ key: entryKey(owner, 'a'), seq: 99, body: { schema: 1, value: 'stray' } }));
  await store(aRecord({ key: entryKey(owner, 'b'), seq: 99, deleted: true, bytes: new Uint8Array() }));
  await store(aRecord({ key: entryKey(owner, 'extra'), seq: 99 }));
  await store(aManifest(owner, createDigestSet(), { seq: 99 }));
  const fresh = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
  await waitForValues(fresh, owner, { a: 1, b: 2 });
  assert.equal(fresh.reader.applied()[0]?.epoch, 2);
  assertOnlyStates(set, [{}, { a: 1, b: 2 }]);
});

test('a garbled or deleted manifest is written again', async (t) => {
  const { publisher } = await publishedSet(t, testBus, { writing, reading }, { bucket, owner }, fastClock);
  const { js } = await testBus.admin();
  const subject = subjectOf(bucket, formatKey({ owner, kind: 'manifest' }));
  await js.publish(subject, 'garbled');
  const one = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
  await waitForValues(one, owner, { a: 1, b: 2 });
  const deleted = aRecord({ key: '', epoch: 0, seq: 0, deleted: true });
  await js.publish(subject, new Uint8Array(), { headers: formatHeaders(deleted) });
  const two = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
  await waitForValues(two, owner, { a: 1, b: 2 });
  assert.equal(publisher.superseded.length, 0);
});
