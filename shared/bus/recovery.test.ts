import assert from 'node:assert/strict';
import { after, before, beforeEach, type TestContext, test } from 'node:test';
import { rulesBucket as bucket, formatKey, streamOf, subjectOf } from '#shared/contracts/bucket.ts';
import { type Clock, systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#test/cluster/wait-for.ts';
import { aManifest, aRecord } from '#test/nats/a-record.ts';
import { acceleratedClock } from '#test/nats/accelerated-clock.ts';
import {
  entries,
  entryKey,
  followSet,
  type HeldSet,
  publishSet,
  waitForValues,
} from '#test/nats/held-set.ts';
import { startPausableProxy } from '#test/nats/pausable-proxy.ts';
import { startTestBus, type TestBus } from '#test/nats/test-bus.ts';
import { bucketStream, ensureBuckets } from './buckets.ts';
import type { Bus } from './bus.ts';
import { createDigestSet } from './digest.ts';
import { formatHeaders } from './record.ts';

const owner = 'k8s';
const stream = streamOf(bucket);
/** The checks every 2 s come every 200 ms here. */
const fastClock = acceleratedClock(10);

let testBus: TestBus;
let writing: Bus;
let reading: Bus;

before(async () => {
  testBus = await startTestBus();
  [writing, reading] = await Promise.all([testBus.connect(), testBus.connect()]);
});
after(() => testBus.stop());
beforeEach(async () => {
  const { jsm } = await testBus.admin();
  await jsm.streams.delete(stream).catch(() => undefined);
  assert.equal(await ensureBuckets(writing, { log: testBus.log }), true);
});

/** A publisher and a reader that both hold `{ a: 1, b: 2 }`. */
async function standingSet(t: TestContext, clock: Clock = fastClock) {
  const set = followSet(t, testBus, reading, bucket, owner, clock);
  const publisher = publishSet(t, testBus, writing, bucket, owner, clock);
  publisher.replace(entries(owner, { a: 1, b: 2 }));
  await waitForValues(set, owner, { a: 1, b: 2 });
  return { set, publisher };
}

/** Fails when the consumer ever held anything but one of the states given. */
function assertOnlyHeld(set: HeldSet, states: readonly Record<string, unknown>[]): void {
  const allowed = states.map((state) => JSON.stringify(Object.entries(state)));
  const held = new Map<string, unknown>();
  for (const { changes } of set.swaps) {
    for (const { key, value } of changes) {
      const secret = key.kind === 'entry' ? key.secret : key.kind;
      if (value === undefined) held.delete(secret);
      else held.set(secret, (value as { value: unknown }).value);
    }
    const state = JSON.stringify([...held].sort());
    assert.ok(allowed.includes(state), `held ${state}`);
  }
}

const storedSecrets = async (): Promise<string[]> => {
  const { jsm } = await testBus.admin();
  const info = await jsm.streams.info(stream, { subjects_filter: subjectOf(bucket, `${owner}.>`) });
  return Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(subjectOf(bucket, '').length));
};

test('a killed server costs nothing but time: what changed meanwhile arrives after its return', async (t) => {
  const { set, publisher } = await standingSet(t, systemClock);
  await testBus.nats.kill9();
  await waitFor(() => !reading.connected() && !writing.connected(), { timeoutMs: 5_000, what: 'the loss' });
  publisher.put(entryKey(owner, 'c'), { schema: 1, value: 3 });
  await testBus.nats.start();
  t.diagnostic(
    `converged ${await waitForValues(set, owner, { a: 1, b: 2, c: 3 })} ms after the server was up`,
  );
  assertOnlyHeld(set, [{}, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }]);
});

test('a server that stands still is noticed, and the change arrives when it goes on', async (t) => {
  const { set, publisher } = await standingSet(t, systemClock);
  const startMs = performance.now();
  testBus.nats.sigstop();
  try {
    const logged = testBus.logLines.length;
    publisher.put(entryKey(owner, 'a'), { schema: 1, value: 9 });
    const isNoticed = () =>
      testBus.logLines
        .slice(logged)
        .some((line) => line.includes('"component":"mirror"') && line.includes('"err"'));
    await waitFor(isNoticed, { timeoutMs: 5_000, what: 'the readers to notice' });
    t.diagnostic(`noticed by the readers after ${Math.round(performance.now() - startMs)} ms`);
    await waitFor(() => !reading.connected(), { timeoutMs: 15_000, what: 'the connection to be given up' });
    t.diagnostic(`connection given up after ${Math.round(performance.now() - startMs)} ms`);
  } finally {
    testBus.nats.sigcont();
  }
  t.diagnostic(`converged ${await waitForValues(set, owner, { a: 9, b: 2 })} ms after it went on`);
});

test('a purged bucket is filled again and no consumer loses anything', async (t) => {
  const { set, publisher } = await standingSet(t);
  const { jsm } = await testBus.admin();
  await jsm.streams.purge(stream);
  await waitFor(async () => (await storedSecrets()).length === 3, { timeoutMs: 10_000, what: 'the records' });
  publisher.remove(entryKey(owner, 'a'));
  await waitForValues(set, owner, { b: 2 });
  assertOnlyHeld(set, [{}, { a: 1, b: 2 }, { b: 2 }]);
});

test('one purged record of many is missed and written again', async (t) => {
  const { set } = await standingSet(t);
  const { jsm } = await testBus.admin();
  await jsm.streams.purge(stream, { filter: subjectOf(bucket, entryKey(owner, 'a')) });
  await waitFor(async () => (await storedSecrets()).length === 3, { timeoutMs: 10_000, what: 'the record' });
  const fresh = followSet(t, testBus, reading, bucket, owner, fastClock);
  await waitForValues(fresh, owner, { a: 1, b: 2 });
  assertOnlyHeld(set, [{}, { a: 1, b: 2 }]);
});

test('a deleted and recreated bucket empties nobody and is filled again', async (t) => {
  const { set, publisher } = await standingSet(t);
  const { jsm } = await testBus.admin();
  await jsm.streams.delete(stream);
  publisher.put(entryKey(owner, 'c'), { schema: 1, value: 3 });
  assert.equal(await ensureBuckets(writing, { log: testBus.log }), true);
  await waitForValues(set, owner, { a: 1, b: 2, c: 3 });
  assertOnlyHeld(set, [{}, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }]);
});

test('after a recreation a new publisher begins with epoch 1 and is followed', async (t) => {
  const { set, publisher } = await standingSet(t);
  await publisher.stop();
  const second = publishSet(t, testBus, writing, bucket, owner, fastClock);
  second.replace(entries(owner, { a: 1, b: 2 }));
  await waitFor(() => set.reader.applied()[0]?.epoch === 2, { timeoutMs: 5_000, what: 'epoch 2' });
  await second.stop();
  const { jsm } = await testBus.admin();
  await jsm.streams.delete(stream);
  assert.equal(await ensureBuckets(writing, { log: testBus.log }), true);
  const third = publishSet(t, testBus, writing, bucket, owner, fastClock);
  third.replace(entries(owner, { b: 5 }));
  await waitForValues(set, owner, { b: 5 });
  assert.equal(set.reader.applied()[0]?.epoch, 1);
});

test('publisher and reader wait for a bucket that does not exist yet', async (t) => {
  const { jsm } = await testBus.admin();
  await jsm.streams.delete(stream);
  const set = followSet(t, testBus, reading, bucket, owner, fastClock);
  const publisher = publishSet(t, testBus, writing, bucket, owner, fastClock);
  publisher.replace(entries(owner, { a: 1 }));
  await waitFor(() => testBus.logLines.some((line) => line.includes('stream not found')), {
    timeoutMs: 5_000,
    what: 'both to have found nothing',
  });
  assert.equal(await ensureBuckets(writing, { log: testBus.log }), true);
  await waitForValues(set, owner, { a: 1 });
});

test('a lost announcement costs at most the time to the next check', async (t) => {
  const { set, publisher } = await standingSet(t);
  const { jsm } = await testBus.admin();
  const { republish: _, ...silent } = bucketStream(bucket, 1);
  await jsm.streams.delete(stream);
  await jsm.streams.add(silent);
  await waitFor(async () => (await storedSecrets()).length === 3, { timeoutMs: 10_000, what: 'the records' });
  publisher.put(entryKey(owner, 'a'), { schema: 1, value: 7 });
  await waitForValues(set, owner, { a: 7, b: 2 });
});

test('an old publisher that wakes up beside a new one stops, and what it still wrote is repaired', async (t) => {
  const proxy = await startPausableProxy(testBus.nats.url);
  t.after(() => proxy.close());
  const sleeping = await testBus.connect('harness', { url: proxy.url });
  const set = followSet(t, testBus, reading, bucket, owner, fastClock);
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
  const fresh = followSet(t, testBus, reading, bucket, owner, fastClock);
  t.diagnostic(`repaired after ${await waitForValues(fresh, owner, { a: 1, b: 2, c: 3 })} ms`);
  assert.equal(next.superseded.length, 0);
  assertOnlyHeld(set, [{}, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }]);
});

test('records, removals and manifests that a loser writes after the claim are repaired', async (t) => {
  const { set, publisher } = await standingSet(t);
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
  const fresh = followSet(t, testBus, reading, bucket, owner, fastClock);
  await waitForValues(fresh, owner, { a: 1, b: 2 });
  assert.equal(fresh.reader.applied()[0]?.epoch, 2);
  assertOnlyHeld(set, [{}, { a: 1, b: 2 }]);
});

test('a garbled or deleted manifest is written again', async (t) => {
  const { publisher } = await standingSet(t);
  const { js } = await testBus.admin();
  const subject = subjectOf(bucket, formatKey({ owner, kind: 'manifest' }));
  await js.publish(subject, 'garbled');
  const one = followSet(t, testBus, reading, bucket, owner, fastClock);
  await waitForValues(one, owner, { a: 1, b: 2 });
  const deleted = aRecord({ key: '', epoch: 0, seq: 0, deleted: true });
  await js.publish(subject, new Uint8Array(), { headers: formatHeaders(deleted) });
  const two = followSet(t, testBus, reading, bucket, owner, fastClock);
  await waitForValues(two, owner, { a: 1, b: 2 });
  assert.equal(publisher.superseded.length, 0);
});

test('a reader whose connection stands still for a while catches up', async (t) => {
  const proxy = await startPausableProxy(testBus.nats.url);
  t.after(() => proxy.close());
  const slow = await testBus.connect('harness', { url: proxy.url });
  const set = followSet(t, testBus, slow, bucket, owner, fastClock);
  const publisher = publishSet(t, testBus, writing, bucket, owner, fastClock);
  publisher.replace(entries(owner, { a: 0 }));
  await waitForValues(set, owner, { a: 0 });
  proxy.pause('to-client');
  for (let value = 1; value <= 500; value += 1) {
    publisher.put(entryKey(owner, 'a'), { schema: 1, value });
    publisher.put(entryKey(owner, `s${value % 50}`), { schema: 1, value });
    if (value % 50 === 0) {
      await waitFor(() => publisher.pendingMs() === 0, { timeoutMs: 5_000, what: 'the publisher' });
    }
  }
  proxy.resume();
  await waitFor(() => set.held.size === 51, { timeoutMs: 10_000, what: 'everything to arrive' });
  assert.deepEqual(set.held.get(entryKey(owner, 'a')), { schema: 1, value: 500 });
});
