import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { createReader, type Reader } from '#shared/bus/read/reader.ts';
import { formatHeaders } from '#shared/bus/records/record.ts';
import { countStoredRecords } from '#shared/bus/records/stored-records.ts';
import { rulesBucket as bucket, formatKey, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { entries, entryKey, publishSet } from '#testkit/nats/follow-set.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { ensureBuckets } from './buckets.ts';

let testBus: TestBus;

before(async () => {
  testBus = await startTestBus();
  const discovery = await testBus.connect('discovery');
  assert.equal(await ensureBuckets(discovery, { log: testBus.log }), true);
});
after(() => testBus.stop());

const until = (what: string, isMet: () => unknown) => waitFor(isMet, { timeoutMs: 20_000, what });
const mostBytes = 4_000_000;

/** Writes records by the login of a manager's resolver, as whoever has stolen it would. */
async function writeJunk(manager: string, count: number): Promise<void> {
  const { js } = await (await testBus.connect(`resolver-${manager}`)).linked();
  const body = JSON.stringify({ schema: 1, items: {}, junk: 'y'.repeat(900_000) });
  const headers = formatHeaders({ epoch: 1, seq: 1, publisher: 'thief', deleted: false, trace: {} });
  for (let index = 0; index < count; index += 1) {
    await js.publish(subjectOf(bucket, `${manager}.entry._.j${index}`), body, { headers });
  }
}
const bytesOf = async (reader: Reader) =>
  (await reader.records()).reduce((sum, { bytes }) => sum + bytes.length, 0);

test('records of a manager that nobody follows cost a gateway nothing, and it may be followed later', async (t) => {
  const owners = ['k8s', 'global'];
  const applied: string[] = [];
  const onApply = ({ owner }: { owner: string }) => applied.push(owner);
  const reader = createReader(await testBus.connect('gateway'), {
    ...{ bucket, owners, mostBytes, log: testBus.log, clock: systemClock, onApply },
  });
  t.after(() => reader.stop());
  await writeJunk('aws', 20);
  publishSet(t, testBus, await testBus.connect('resolver-k8s'), bucket, 'k8s').replace(
    entries('k8s', { a: 1 }),
  );
  await until('the rules of k8s', () => reader.isComplete('k8s'));
  assert.ok((await bytesOf(reader)) < 1_000);
  assert.equal(reader.revision('aws'), 0);

  publishSet(t, testBus, await testBus.connect('resolver-gcp'), bucket, 'gcp').replace(new Map());
  reader.follow(['k8s', 'gcp']);
  await until('the rules of gcp', () => reader.isComplete('gcp'));
  reader.follow(['gcp']);
  assert.deepEqual(
    reader.applied().map(({ owner }) => owner),
    ['gcp'],
  );
  assert.deepEqual(applied, ['k8s', 'gcp']);
});

test('a manager that writes too much keeps what is in force, is told once, and keeps no other from changing', async (t) => {
  const held = new Map<string, number>();
  const reader = createReader(await testBus.connect('gateway'), {
    ...{ bucket, owners: ['vault', 'azure'], mostBytes, log: testBus.log, clock: acceleratedClock(20) },
    onApply: ({ owner, changes }) => held.set(owner, (held.get(owner) ?? 0) + changes.length),
  });
  t.after(() => reader.stop());
  const vault = publishSet(t, testBus, await testBus.connect('resolver-vault'), bucket, 'vault');
  vault.replace(entries('vault', { a: 1 }));
  const azure = publishSet(t, testBus, await testBus.connect('resolver-azure'), bucket, 'azure');
  azure.replace(entries('azure', { a: 1 }));
  await until('both sets', () => reader.isComplete('vault') && reader.isComplete('azure'));
  await vault.stop();
  await writeJunk('vault', 6);
  const told = () => testBus.logLines.filter((line) => line.includes('set is too large')).length;
  await until('the size to be told', () => told() > 0);
  azure.put(entryKey('azure', 'b'), { schema: 1, value: 2 });
  await until('a change of the other', () => held.get('azure') === 2);
  assert.deepEqual([held.get('vault'), reader.isComplete('vault')], [1, true]);
  assert.ok((await bytesOf(reader)) < mostBytes);
  const fresh = createReader(await testBus.connect('gateway'), {
    ...{
      bucket,
      owners: ['vault', 'azure'],
      mostBytes,
      log: testBus.log,
      clock: systemClock,
      onApply: () => undefined,
    },
  });
  t.after(() => fresh.stop());
  await until('a new gateway to have the other', () => fresh.isComplete('azure'));
  await until('a new gateway to tell of it, too', () => told() > 1);
  assert.equal(fresh.isComplete('vault'), false);

  // Its publisher, alive again, takes out what it did not write.
  const healed = publishSet(t, testBus, await testBus.connect('resolver-vault'), bucket, 'vault');
  healed.replace(entries('vault', { a: 1, b: 2 }));
  await until('the set of its publisher', () => held.get('vault') === 2);
  assert.equal(told(), 2);
});

test('input 65: names that come and go freeze the rules of nobody, and cost who starts later nothing', async (t) => {
  const owner = 'k8s';
  const publisher = publishSet(t, testBus, await testBus.connect('resolver-k8s'), bucket, owner);
  publisher.replace(entries(owner, { a: 1 }));
  const values = new Map<string, unknown>();
  const follow = async () => {
    const reader = createReader(await testBus.connect('gateway'), {
      ...{ bucket, owners: [owner], mostBytes: 100_000, log: testBus.log, clock: systemClock },
      onApply: ({ changes }) => {
        for (const { key, value } of changes) values.set(formatKey(key), value);
      },
    });
    t.after(() => reader.stop());
    return reader;
  };
  const reader = await follow();
  const names = (round: number) => Array.from({ length: 200 }, (_, index) => `gone-${round}-${index}`);
  for (let round = 0; round < 5; round += 1) {
    for (const name of names(round)) publisher.put(entryKey(owner, name), { schema: 1 });
    await until('all to come', async () => (await reader.records()).length === 202);
    for (const name of names(round)) publisher.remove(entryKey(owner, name));
    await until('all to go', async () => (await reader.records()).length === 2);
  }
  const link = await (await testBus.connect('gateway')).linked();
  assert.equal(await countStoredRecords(link, bucket, `${owner}.>`), 1_002);
  publisher.put(entryKey(owner, 'a'), { schema: 1, value: 2 });
  await until('the change', () =>
    isDeepStrictEqual(values.get(entryKey(owner, 'a')), { schema: 1, value: 2 }),
  );
  values.clear();
  const fresh = await follow();
  await until('a new reader to be complete', () => fresh.isComplete(owner));
  assert.deepEqual([...values.keys()], [entryKey(owner, 'a')]);
});
