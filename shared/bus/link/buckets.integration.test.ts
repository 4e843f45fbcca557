import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { headers } from '@nats-io/transport-node';
import { countByOwner } from '#shared/bus/records/owner-counts.ts';
import { rulesBucket as bucket, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { entries, followSet, publishSet, waitForValues } from '#testkit/nats/follow-set.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { bucketStream, ensureBuckets } from './buckets.ts';
import type { Bus } from './bus.ts';

const stream = streamOf(bucket);
let testBus: TestBus;
let discovery: Bus;

before(async () => {
  testBus = await startTestBus();
  discovery = await testBus.connect('discovery');
});
after(() => testBus.stop());
beforeEach(() => testBus.deleteBucket(bucket));

const ensure = (settings = {}) => ensureBuckets(discovery, { log: testBus.log, ...settings });
const streamInfo = async () => (await testBus.admin()).jsm.streams.info(stream);
const store = async (key: string, bytes: number, header: Record<string, string> = {}) => {
  const { js } = await testBus.admin();
  const sent = headers();
  for (const [name, value] of Object.entries(header)) sent.set(name, value);
  return js.publish(subjectOf(bucket, key), new Uint8Array(bytes), { headers: sent });
};

test('a bucket of an earlier release gets the settings of this one, and keeps what it stores', async () => {
  const { jsm } = await testBus.admin();
  const earlier = { ...bucketStream(bucket, {}), allow_rollup_hdrs: true, max_bytes: -1, max_msgs: -1 };
  await jsm.streams.add(earlier);
  for (const key of ['k8s.entry.ns.a', 'k8s.entry.ns.b']) await store(key, 900_000);
  assert.equal(await ensure(), true);
  const { config, state } = await streamInfo();
  assert.deepEqual([config.allow_rollup_hdrs, config.max_bytes], [false, 192 * 1_024 * 1_024]);
  assert.equal(config.max_msgs, 192 * 4_096);
  assert.equal(state.messages, 2);
});

test('nobody purges the records of all by writing one of his own', async () => {
  assert.equal(await ensure(), true);
  await store('global.entry._.a', 10);
  for (const rollup of ['all', 'sub']) {
    await assert.rejects(store('k8s.entry.ns.a', 10, { 'Nats-Rollup': rollup }), /rollup/);
  }
  assert.equal((await streamInfo()).state.messages, 1);
});

test('message ids are forgotten soon, so that they cannot fill the memory of the server', async () => {
  assert.equal(await ensure(), true);
  const storeAgain = () => store('k8s.entry.ns.a', 10, { 'Nats-Msg-Id': 'x'.repeat(10_000) });
  assert.equal((await storeAgain()).duplicate, false);
  await waitFor(async () => !(await storeAgain()).duplicate, {
    timeoutMs: 10_000,
    what: 'the id to be forgotten',
  });
});

test('a full bucket refuses what is new, keeps what it stores, and takes more once it may store more', async () => {
  assert.equal(await ensure({ bucketMiB: 8 }), true);
  const fill = async () => {
    for (let index = 0; ; index += 1) await store(`aws.entry._.j${index}`, 900_000);
  };
  await assert.rejects(fill(), /maximum bytes exceeded/);
  const { messages } = (await streamInfo()).state;
  await store('aws.entry._.j0', 800_000);
  await assert.rejects(store('k8s.entry.ns.a', 900_000), /maximum bytes exceeded/);
  assert.equal((await streamInfo()).state.messages, messages);
  assert.equal(await ensure({ bucketMiB: 16 }), true);
  await store('k8s.entry.ns.a', 900_000);
});

test('a publisher that a full bucket refuses says so, and goes on when there is room', async (t) => {
  assert.equal(await ensure({ bucketMiB: 8 }), true);
  for (let index = 0; index < 9; index += 1) await store(`aws.entry._.j${index}`, 900_000);
  const resolving = await testBus.connect('resolver-k8s');
  const set = followSet(t, testBus, await testBus.connect('gateway'), bucket, 'k8s');
  const publisher = publishSet(t, testBus, resolving, bucket, 'k8s');
  publisher.replace(entries('k8s', { a: 'x'.repeat(900_000) }));
  await waitFor(() => testBus.logLines.some((line) => line.includes('"BUS_FULL"')), {
    timeoutMs: 10_000,
    what: 'the refusal to be told',
  });
  assert.deepEqual(await countByOwner(await discovery.linked(), bucket, ['k8s', 'aws']), {
    byOwner: [
      ['aws', 9],
      ['k8s', 1],
    ],
    others: 0,
  });
  const { jsm } = await testBus.admin();
  await jsm.streams.purge(stream, { filter: subjectOf(bucket, 'aws.>') });
  await waitForValues(set, 'k8s', { a: 'x'.repeat(900_000) });
});

test('a bucket that stores more than it now may keeps it, and refuses what is new', async () => {
  assert.equal(await ensure({ bucketMiB: 16 }), true);
  for (let index = 0; index < 12; index += 1) await store(`k8s.entry.ns.s${index}`, 900_000);
  assert.equal(await ensure({ bucketMiB: 8 }), true);
  const { messages } = (await streamInfo()).state;
  assert.equal(messages, 12);
  await assert.rejects(store('k8s.entry.ns.more', 900_000), /maximum bytes exceeded/);
});

test('buckets that are larger than the servers may store are refused, and the log says so', async () => {
  assert.equal(await ensure({ bucketMiB: 4_096 }), false);
  assert.match(testBus.logLines.join(''), /insufficient storage resources/);
  assert.equal(await ensure(), true);
});

/** Stores tiny records of the manager aws without waiting for each. */
async function storeTiny(count: number): Promise<void> {
  const { nc } = await testBus.admin();
  for (let index = 0; index < count; index += 1) nc.publish(subjectOf(bucket, `aws.${index}`));
  await nc.flush();
}

test('a bucket of more records than it now may have keeps them, changes them, and tells a publisher that it is full', async (t) => {
  const { jsm } = await testBus.admin();
  const most = 8 * 4_096;
  await jsm.streams.add({ ...bucketStream(bucket, { bucketMiB: 8 }), max_msgs: -1 });
  await storeTiny(most + 10);
  const isStored = async () => (await streamInfo()).state.messages === most + 10;
  await waitFor(isStored, { timeoutMs: 20_000, what: 'the records to be stored' });
  assert.equal(await ensure({ bucketMiB: 8 }), true);
  assert.equal(await isStored(), true);
  await store('aws.0', 0);
  assert.deepEqual(await countByOwner(await discovery.linked(), bucket, ['k8s']), {
    byOwner: [],
    others: most + 10,
  });
  const told = () => testBus.logLines.filter((line) => line.includes('"BUS_FULL"')).length;
  const before = told();
  const set = followSet(t, testBus, await testBus.connect('gateway'), bucket, 'k8s');
  const publisher = publishSet(t, testBus, await testBus.connect('resolver-k8s'), bucket, 'k8s');
  publisher.replace(entries('k8s', { a: 'x' }));
  await waitFor(() => told() > before, { timeoutMs: 10_000, what: 'the refusal to be told' });
  await jsm.streams.purge(stream, { filter: subjectOf(bucket, 'aws.>') });
  await waitForValues(set, 'k8s', { a: 'x' });
});
