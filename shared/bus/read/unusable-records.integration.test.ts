import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { headers } from '@nats-io/transport-node';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createDigestSet } from '#shared/bus/records/digest.ts';
import { type BusRecord, formatHeaders } from '#shared/bus/records/record.ts';
import { rulesBucket as bucket, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { entryKey, followSet, waitForValues } from '#testkit/nats/follow-set.ts';
import { type MetricTotals, startMetricTotals } from '#testkit/nats/metric-totals.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

let testBus: TestBus;
let reading: Bus;
let metrics: MetricTotals;

before(async () => {
  metrics = startMetricTotals();
  testBus = await startTestBus();
  reading = await testBus.connect();
  assert.equal(await ensureBuckets(reading, { log: testBus.log }), true);
});
after(() => Promise.all([testBus.stop(), metrics.stop()]));

const rejected = (owner: string, reason: string): Promise<number> =>
  metrics.total('latchkey_reader_rejected_records_total', { bucket, owner, reason });

/** Stores records as they are, past any publisher. */
async function store(records: readonly BusRecord[]): Promise<void> {
  const { js } = await testBus.admin();
  for (const record of records) {
    await js.publish(subjectOf(bucket, record.key), record.bytes, { headers: formatHeaders(record) });
  }
}

test('records without a matching or complete manifest never come into force', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'inconsistent');
  const record = aRecord({ key: entryKey('inconsistent', 'a'), body: { schema: 1, value: 1 } });
  const digests = createDigestSet();
  digests.set(record.key, record.bytes);
  await store([aManifest('inconsistent', createDigestSet(), { complete: false }), record]);
  await store([aManifest('inconsistent', digests, { seq: 2, complete: false })]);
  digests.set('inconsistent.entry.ns.missing', record.bytes);
  await store([aManifest('inconsistent', digests, { seq: 3 })]);
  digests.delete('inconsistent.entry.ns.missing');
  await store([aManifest('inconsistent', digests, { seq: 4 })]);
  await waitForValues(set, 'inconsistent', { a: 1 });
  assert.deepEqual(
    set.applied.map(({ seq }) => seq),
    [4],
  );
});

/** Reads a set of one record that is not stored yet, by a fast clock; `reasons` says why another server is asked. */
function followDoubtfully(t: TestContext, owner: string) {
  const reasons: string[] = [];
  const bus = { ...reading, changeServer: (reason: string) => void reasons.push(reason) };
  const set = followSet(t, testBus, bus, bucket, owner, { clock: acceleratedClock(20) });
  const record = aRecord({ key: entryKey(owner, 'a'), body: { schema: 1, value: 1 } });
  const digests = createDigestSet();
  digests.set(record.key, record.bytes);
  return { set, record, digests, reasons };
}

test('a set that stays inconsistent although it was read again is read from another server', async (t) => {
  const { set, record, digests, reasons } = followDoubtfully(t, 'diverged');
  await store([aManifest('diverged', digests)]);
  await waitFor(() => reasons.length > 0, { timeoutMs: 10_000, what: 'the change of the server' });
  const resyncs = await metrics.total('latchkey_reader_resyncs_total', { bucket, owner: 'diverged' });
  assert.ok(resyncs >= 1, 'it was read again before');
  assert.equal(reasons[0], 'the staged set stays inconsistent');
  await store([record]);
  await waitForValues(set, 'diverged', { a: 1 });
});

test('a whole set that is older than its publisher says, and stays so, is read from another server', async (t) => {
  const { set, record, digests, reasons } = followDoubtfully(t, 'behind');
  await store([record, aManifest('behind', digests)]);
  await waitForValues(set, 'behind', { a: 1 });
  set.reader.confirm([{ owner: 'behind', epoch: 1, seq: 2 }]);
  await waitFor(() => reasons.length > 0, { timeoutMs: 10_000, what: 'the change of the server' });
  assert.equal(reasons[0], 'what the publisher says it has published does not arrive');
});

test('malformed records are counted, their former values stay in force, and reading goes on', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'bad');
  const [one, two] = ['one', 'two'].map((secret) =>
    aRecord({ key: entryKey('bad', secret), body: { schema: 1, value: 1 } }),
  ) as [BusRecord, BusRecord];
  const digests = createDigestSet();
  for (const { key, bytes } of [one, two]) digests.set(key, bytes);
  await store([one, two, aManifest('bad', digests)]);
  await waitForValues(set, 'bad', { one: 1, two: 1 });

  const garbled = { ...one, seq: 2, bytes: Buffer.from([0xff, 0x7b]) };
  const fine = aRecord({ key: two.key, seq: 2, body: { schema: 1, value: 2 } });
  const strange = aRecord({ key: 'bad.what.is.this', seq: 2 });
  const huge = aRecord({ key: entryKey('bad', 'huge'), seq: 2, bytes: Buffer.alloc(1_000_000, 'x') });
  for (const { key, bytes } of [garbled, fine, huge]) digests.set(key, bytes);
  await store([garbled, strange, fine, huge, aManifest('bad', digests, { seq: 2 })]);
  await waitForValues(set, 'bad', { one: 1, two: 2 });
  // Headers of the server's own, as a rogue could write them: the record stays what its subject says.
  const disguised = headers();
  disguised.set('Nats-Subject', subjectOf(bucket, one.key));
  disguised.set('Nats-Sequence', '1');
  const { js } = await testBus.admin();
  await js.publish(subjectOf(bucket, entryKey('bad', 'disguised')), '{"schema":1}', { headers: disguised });
  const last = aRecord({ key: one.key, seq: 3, body: { schema: 1, value: 3 } });
  digests.set(last.key, last.bytes);
  await store([last, aManifest('bad', digests, { seq: 3 })]);
  await waitForValues(set, 'bad', { one: 3, two: 2 });
  assert.equal(await rejected('bad', 'malformed'), 3);
});

test('a record of another schema version is refused and counted: its key keeps the value before, the others go on', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'later');
  const publish = async (seq: number, bodies: Readonly<Record<string, unknown>>) => {
    const records = Object.entries(bodies).map(([secret, body]) =>
      aRecord({ key: entryKey('later', secret), seq, body }),
    );
    const digests = createDigestSet();
    for (const { key, bytes } of records) digests.set(key, bytes);
    await store([...records, aManifest('later', digests, { seq })]);
  };
  await publish(1, { one: { schema: 1, value: 1 }, two: { schema: 1, value: 1 } });
  await waitForValues(set, 'later', { one: 1, two: 1 });
  await publish(2, {
    one: { schema: 2, content: 'unknown' },
    two: { schema: 1, value: 2 },
    new: { schema: 2, content: 'unknown' },
  });
  await waitForValues(set, 'later', { one: 1, two: 2 });
  assert.equal(await rejected('later', 'malformed'), 2);
  const three = { schema: 1, value: 3 };
  await publish(3, { one: three, two: three, new: three });
  await waitForValues(set, 'later', { one: 3, two: 3, new: 3 });
});

test('a replayed record and one of a publisher that had lost are refused and counted', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'replay');
  const newest = aRecord({
    key: entryKey('replay', 'a'),
    epoch: 2,
    seq: 5,
    body: { schema: 1, value: 'new' },
  });
  const digests = createDigestSet();
  digests.set(newest.key, newest.bytes);
  await store([newest, aManifest('replay', digests, { epoch: 2, seq: 5 })]);
  await waitForValues(set, 'replay', { a: 'new' });
  const replayed = { ...newest, seq: 4, bytes: Buffer.from('{"schema":1,"value":"old"}') };
  const lost = aRecord({ key: entryKey('replay', 'b'), epoch: 1, seq: 9 });
  await store([replayed, lost, aManifest('replay', createDigestSet(), { epoch: 1, seq: 9 })]);
  await waitFor(async () => (await rejected('replay', 'outdated')) === 3, {
    timeoutMs: 5_000,
    what: 'three outdated records',
  });
  await store([aManifest('replay', digests, { epoch: 2, seq: 6 })]);
  await waitFor(() => set.reader.applied()[0]?.seq === 6, { timeoutMs: 5_000, what: 'the next manifest' });
  await waitForValues(set, 'replay', { a: 'new' });
});

test('a flood of records that are refused is counted whole, and told in a few lines', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'flood');
  const newest = aRecord({ key: entryKey('flood', 'a'), epoch: 2, body: { schema: 1, value: 'new' } });
  const digests = createDigestSet();
  digests.set(newest.key, newest.bytes);
  await store([newest, aManifest('flood', digests, { epoch: 2 })]);
  await waitForValues(set, 'flood', { a: 'new' });
  const count = 500;
  await store(
    Array.from({ length: count }, (_, of) => aRecord({ key: entryKey('flood', `${of}`), epoch: 1 })),
  );
  await waitFor(async () => (await rejected('flood', 'outdated')) === count, {
    timeoutMs: 10_000,
    what: 'the refused records',
  });
  const told = testBus.logLines.filter(
    (line) => line.includes('record refused') && line.includes('flood.entry'),
  );
  assert.ok(told.length >= 20 && told.length <= count / 5, `${told.length} lines`);
});
