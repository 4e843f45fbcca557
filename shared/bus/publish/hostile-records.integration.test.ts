import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { headers } from '@nats-io/transport-node';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createReader } from '#shared/bus/read/reader.ts';
import { countStoredRecords, readPage } from '#shared/bus/records/stored-records.ts';
import {
  rulesBucket as bucket,
  formatKey,
  maxVersionNumber,
  subjectOf,
} from '#shared/contracts/bus/bucket.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { entries, entryKey, followSet, publishedSet, waitForValues } from '#testkit/nats/follow-set.ts';
import { storeRaw } from '#testkit/nats/store-raw.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createPublisher, type Publisher } from './publisher.ts';

const owner = 'k8s';
/** The checks of every second come every 100 ms here. */
const fastClock = acceleratedClock(10);
const floodRecords = 300;

let testBus: TestBus;
let writing: Bus;
let reading: Bus;

before(async () => {
  testBus = await startTestBus();
  [writing, reading] = await Promise.all([testBus.connect(), testBus.connect()]);
});
after(() => testBus.stop());
beforeEach(() => testBus.renewBucket(writing, bucket));

/** Stores a body under a key with any headers, as a stolen login of the publisher would. */
async function store(key: string, body: unknown, given: Record<string, string>): Promise<void> {
  const { js } = await testBus.admin();
  const made = headers();
  for (const [name, value] of Object.entries(given)) made.set(name, value);
  await js.publish(subjectOf(bucket, key), JSON.stringify(body), { headers: made });
}

function publish(mostBytes: number): Publisher {
  const onSuperseded = (error: Error) => assert.fail(error);
  return createPublisher(writing, {
    ...{ bucket, owner, mostBytes, log: testBus.log, clock: fastClock, onSuperseded },
  });
}

test('records with long headers fill neither an answer nor a process, and their publisher removes them', async (t) => {
  for (let index = 0; index < floodRecords; index += 1) {
    const name = index % 2 === 0 ? 'Latchkey-Publisher' : 'traceparent';
    const version = { 'Latchkey-Epoch': '1', 'Latchkey-Seq': '1' };
    await store(entryKey(owner, `x${index}`), { schema: 1 }, { ...version, [name]: 'a'.repeat(60_000) });
  }
  const link = await reading.linked();
  const query = { filter: subjectOf(bucket, `${owner}.>`), fromRevision: 1, batch: 1_024 };
  const page = await readPage(link, bucket, query);
  assert.ok(page.records.length * 60_000 < 9_000_000, `${page.records.length} records in one answer`);
  for (const { publisher, trace, bytes } of page.records) {
    assert.deepEqual({ publisher, trace }, { publisher: '', trace: {} });
    assert.ok(bytes.buffer.byteLength < 9_000, 'the bytes are no view of the message');
  }
  const publisher = publish(10_000);
  t.after(() => publisher.stop());
  const values = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, index]));
  publisher.replace(entries(owner, values));
  const set = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
  await waitForValues(set, owner, values);
  const live = async () => (await readPage(link, bucket, query)).records.filter(({ deleted }) => !deleted);
  await waitFor(async () => (await live()).length === 101, {
    timeoutMs: 10_000,
    what: 'the flood to be gone',
  });
  assert.equal(await countStoredRecords(link, bucket, `${owner}.>`), 401, 'a tombstone for each');
});

const isOfLostConnection = (line: string): boolean => /"status":"(disconnect|staleConnection)"/.test(line);

/** Headers of about so many bytes, each with a name of its own. */
function manyNames(bytes: number): string {
  let lines = '';
  for (let index = 0; lines.length < bytes; index += 1) lines += `n${index.toString(36)}:\r\n`;
  return lines;
}

for (const [what, first, lines] of [
  ['a blank in a name', 'NATS/1.0', 'bad name: x\r\n'],
  ['another first line', 'XATS/1.0', 'bad name: x\r\n'],
  ['ten thousand names', 'NATS/1.0', manyNames(60_000)],
] as const) {
  test(`input 77: a record whose headers have ${what} makes no reader deaf, and its publisher removes it`, async (t) => {
    const bus = { writing, reading };
    const { publisher, set } = await publishedSet(t, testBus, bus, { bucket, owner }, fastClock);
    const key = entryKey(owner, 'hostile');
    await storeRaw(testBus, subjectOf(bucket, key), `${first}\r\n${lines}\r\n`);
    publisher.replace(entries(owner, { c: 3 }));
    await waitForValues(set, owner, { c: 3 });
    const link = await testBus.admin();
    const isGone = async () =>
      (await readPage(link, bucket, { filter: subjectOf(bucket, key), fromRevision: 1 })).records[0]?.deleted;
    await waitFor(async () => (await isGone()) === true, { timeoutMs: 10_000, what: 'its tombstone' });
    assert.deepEqual(testBus.logLines.filter(isOfLostConnection), []);
  });
}

test('a publisher whose records have no room in memory writes what it wants, and leaves it alone then', async (t) => {
  const { publisher: before } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    fastClock,
  );
  await before.stop();
  const publisher = publish(1);
  t.after(() => publisher.stop());
  publisher.replace(entries(owner, { a: 1, b: 3 }));
  const set = followSet(t, testBus, reading, bucket, owner, { clock: fastClock });
  await waitForValues(set, owner, { a: 1, b: 3 });
  assert.equal(publisher.epoch(), 2, 'the manifest was read');
});

test('versions that nobody could follow are written again by the next publisher', async (t) => {
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    fastClock,
  );
  await publisher.stop();
  const last = String(Number.MAX_SAFE_INTEGER);
  const manifestKey = formatKey({ owner, kind: 'manifest' });
  const manifest = { schema: 1, count: 0, digest: '0'.repeat(64), recipeDigest: '', complete: true, seq: 1 };
  await store(entryKey(owner, 'a'), { schema: 1, value: 1 }, { 'Latchkey-Epoch': last, 'Latchkey-Seq': '1' });
  const highest = { 'Latchkey-Epoch': String(maxVersionNumber), 'Latchkey-Seq': '1' };
  await store(entryKey(owner, 'b'), { schema: 1, value: 'evil' }, highest);
  await store(manifestKey, { ...manifest, epoch: Number(last) }, { 'Latchkey-Epoch': last });

  const next = publish(10_000_000);
  t.after(() => next.stop());
  next.replace(entries(owner, { a: 1, b: 2, c: 3 }));
  await waitFor(() => next.published() !== undefined, { timeoutMs: 10_000, what: 'the next publisher' });
  const fresh = createReader(reading, {
    ...{ bucket, owners: [owner], log: testBus.log, clock: fastClock, onApply: () => undefined },
  });
  t.after(() => fresh.stop());
  await waitFor(() => fresh.isComplete(owner), { timeoutMs: 10_000, what: 'a new reader' });
  set.reader.confirm([next.published() ?? assert.fail()]);
  await waitForValues(set, owner, { a: 1, b: 2, c: 3 });
});
