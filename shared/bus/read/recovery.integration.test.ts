import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { bucketStream, ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { rulesBucket as bucket, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
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

const storedSecrets = async (): Promise<string[]> => {
  const { jsm } = await testBus.admin();
  const info = await jsm.streams.info(stream, { subjects_filter: subjectOf(bucket, `${owner}.>`) });
  return Object.keys(info.state.subjects ?? {}).map((subject) => subject.slice(subjectOf(bucket, '').length));
};

test('a killed server costs nothing but time: what changed meanwhile arrives after its return', async (t) => {
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    systemClock,
  );
  await testBus.nats.kill9();
  await waitFor(() => !reading.connected() && !writing.connected(), { timeoutMs: 5_000, what: 'the loss' });
  publisher.put(entryKey(owner, 'c'), { schema: 1, value: 3 });
  await testBus.nats.start();
  t.diagnostic(
    `converged ${await waitForValues(set, owner, { a: 1, b: 2, c: 3 })} ms after the server was up`,
  );
  assertOnlyStates(set, [{}, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }]);
});

test('a server that stands still is noticed, and the change arrives when it goes on', async (t) => {
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    systemClock,
  );
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
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    fastClock,
  );
  const { jsm } = await testBus.admin();
  await jsm.streams.purge(stream);
  await waitFor(async () => (await storedSecrets()).length === 3, { timeoutMs: 10_000, what: 'the records' });
  publisher.remove(entryKey(owner, 'a'));
  await waitForValues(set, owner, { b: 2 });
  assertOnlyStates(set, [{}, { a: 1, b: 2 }, { b: 2 }]);
});

test('one purged record of many is missed and written again', async (t) => {
  const { set } = await publishedSet(t, testBus, { writing, reading }, { bucket, owner }, fastClock);
  const { jsm } = await testBus.admin();
  await jsm.streams.purge(stream, { filter: subjectOf(bucket, entryKey(owner, 'a')) });
  await waitFor(async () => (await storedSecrets()).length === 3, { timeoutMs: 10_000, what: 'the record' });
  const fresh = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
  await waitForValues(fresh, owner, { a: 1, b: 2 });
  assertOnlyStates(set, [{}, { a: 1, b: 2 }]);
});

test('a deleted and recreated bucket empties nobody and is filled again', async (t) => {
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    fastClock,
  );
  const { jsm } = await testBus.admin();
  await jsm.streams.delete(stream);
  publisher.put(entryKey(owner, 'c'), { schema: 1, value: 3 });
  assert.equal(await ensureBuckets(writing, { log: testBus.log }), true);
  await waitForValues(set, owner, { a: 1, b: 2, c: 3 });
  assertOnlyStates(set, [{}, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }]);
});

test('after a recreation a new publisher begins with epoch 1 and is followed', async (t) => {
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    fastClock,
  );
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
  const published = await waitFor(() => third.published(), { timeoutMs: 5_000, what: 'the new set' });
  assert.equal(published.epoch, 1);
  // As the heartbeats of its process do.
  set.reader.confirm([published]);
  await waitForValues(set, owner, { b: 5 });
  assert.equal(set.reader.applied()[0]?.epoch, 1);
});

test('publisher and reader wait for a bucket that does not exist yet', async (t) => {
  const { jsm } = await testBus.admin();
  await jsm.streams.delete(stream);
  const set = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
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
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    fastClock,
  );
  const { jsm } = await testBus.admin();
  const { republish: _, ...silent } = bucketStream(bucket, {});
  await jsm.streams.delete(stream);
  await jsm.streams.add(silent);
  await waitFor(async () => (await storedSecrets()).length === 3, { timeoutMs: 10_000, what: 'the records' });
  publisher.put(entryKey(owner, 'a'), { schema: 1, value: 7 });
  await waitForValues(set, owner, { a: 7, b: 2 });
});

test('a wall clock that is set back by an hour stops no check', async (t) => {
  let behindMs = 0;
  const clock = { ...fastClock, now: () => fastClock.now() - behindMs };
  const { set, publisher } = await publishedSet(t, testBus, { writing, reading }, { bucket, owner }, clock);
  behindMs = 3_600_000;
  const { jsm } = await testBus.admin();
  await jsm.streams.purge(stream);
  await waitFor(async () => (await storedSecrets()).length === 3, { timeoutMs: 10_000, what: 'the records' });
  publisher.put(entryKey(owner, 'a'), { schema: 1, value: 7 });
  await waitForValues(set, owner, { a: 7, b: 2 });
  await waitFor(() => publisher.pendingMs() === 0, { timeoutMs: 10_000, what: 'the publisher to rest' });
});

test('a reader whose connection stands still for a while catches up', async (t) => {
  const proxy = await startPausableProxy(testBus.nats.url);
  t.after(() => proxy.close());
  const slow = await testBus.connect('harness', { url: proxy.url });
  const set = followSet(t, testBus, slow, bucket, owner, { clock: fastClock });
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
  await waitFor(() => set.values.size === 51, { timeoutMs: 10_000, what: 'everything to arrive' });
  assert.deepEqual(set.values.get(entryKey(owner, 'a')), { schema: 1, value: 500 });
});

test('a tombstone that expired before a reader saw it is not missed: everything is read again', async (t) => {
  const proxy = await startPausableProxy(testBus.nats.url);
  t.after(() => proxy.close());
  const slow = await testBus.connect('harness', { url: proxy.url });
  const set = followSet(t, testBus, slow, bucket, owner, { clock: fastClock });
  const publisher = publishSet(t, testBus, writing, bucket, owner, fastClock);
  publisher.replace(entries(owner, { a: 1, b: 2 }));
  await waitForValues(set, owner, { a: 1, b: 2 });
  proxy.pause('to-client');
  publisher.remove(entryKey(owner, 'b'));
  publisher.put(entryKey(owner, 'c'), { schema: 1, value: 3 });
  await waitFor(() => publisher.pendingMs() === 0, { timeoutMs: 5_000, what: 'the publisher' });
  const { jsm } = await testBus.admin();
  await jsm.streams.purge(stream, { filter: subjectOf(bucket, entryKey(owner, 'b')) });
  proxy.resume();
  await waitForValues(set, owner, { a: 1, c: 3 });
  assertOnlyStates(set, [{}, { a: 1, b: 2 }, { a: 1, c: 3 }]);
});
