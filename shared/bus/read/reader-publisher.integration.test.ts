import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { rulesBucket as bucket, formatKey, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import type { SlicedWork } from '#shared/runtime/turn-queue.ts';
import {
  assertOnlyStates,
  entries,
  entryKey,
  followSet,
  publishedSet,
  publishSet,
  waitForValues,
} from '#testkit/nats/follow-set.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createReader } from './reader.ts';

let testBus: TestBus;
let writing: Bus;
let reading: Bus;

before(async () => {
  testBus = await startTestBus();
  [writing, reading] = await Promise.all([testBus.connect(), testBus.connect()]);
  assert.equal(await ensureBuckets(writing, { log: testBus.log }), true);
});
after(() => testBus.stop());

const lastRevision = async (): Promise<number> => {
  const { jsm } = await testBus.admin();
  return (await jsm.streams.info(streamOf(bucket))).state.last_seq;
};
const settled = (publisher: { pendingMs(): number; published(): unknown }) =>
  waitFor(() => publisher.published() !== undefined && publisher.pendingMs() === 0, {
    timeoutMs: 20_000,
    what: 'the publisher to have stored everything',
    intervalMs: 2,
  });

test('a set, a change and a removal reach a reader, each as one record and one manifest', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'flow');
  const publisher = publishSet(t, testBus, writing, bucket, 'flow');
  publisher.replace(entries('flow', { a: 1, b: 2 }));
  await waitForValues(set, 'flow', { a: 1, b: 2 });
  await settled(publisher);
  const revision = await lastRevision();
  publisher.put(entryKey('flow', 'a'), { schema: 1, value: 3 });
  t.diagnostic(`a change is in force after ${await waitForValues(set, 'flow', { a: 3, b: 2 })} ms`);
  publisher.remove(entryKey('flow', 'b'));
  await waitForValues(set, 'flow', { a: 3 });
  assert.equal(await lastRevision(), revision + 4);
  assert.deepEqual(set.reader.applied(), [publisher.published()]);
});

test('a reader keeps up while changes never stop', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'busy');
  const publisher = publishSet(t, testBus, writing, bucket, 'busy');
  publisher.replace(new Map());
  await waitForValues(set, 'busy', {});
  let value = 0;
  const changeAndCount = () => {
    for (let change = 0; change < 10; change += 1, value += 1) {
      publisher.put(entryKey('busy', `s${value % 500}`), { schema: 1, value });
    }
    return set.applied.filter(({ changes }) => changes.length > 0).length >= 10;
  };
  await waitFor(changeAndCount, { timeoutMs: 30_000, what: 'ten sets in force', intervalMs: 1 });
});

test('changes that are made in slices come into force together', async (t) => {
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner: 'sliced' },
    systemClock,
  );
  function* change(): SlicedWork {
    publisher.remove(entryKey('sliced', 'a'));
    yield;
    publisher.put(entryKey('sliced', 'c'), { schema: 1, value: 3 });
  }
  const work = publisher.inOneSet(change());
  work.next();
  // Each takes as long as a record and a manifest on their way to the server, or longer.
  for (let round = 0; round < 20; round += 1) await lastRevision();
  work.next();
  await waitForValues(set, 'sliced', { b: 2, c: 3 });
  assertOnlyStates(set, [
    { a: 1, b: 2 },
    { b: 2, c: 3 },
  ]);
});

test('changes that begin while a large set is about to be written come into force together, too', async (t) => {
  const owner = 'large';
  const { set, publisher } = await publishedSet(
    t,
    testBus,
    { writing, reading },
    { bucket, owner },
    systemClock,
  );
  for (let round = 1; round <= 10; round += 1) {
    const [gone, come] = round % 2 === 1 ? (['a', 'c'] as const) : (['c', 'a'] as const);
    function* change(): SlicedWork {
      publisher.remove(entryKey(owner, gone));
      yield;
      publisher.put(entryKey(owner, come), { schema: 1, value: round });
    }
    for (let index = 0; index < 200; index += 1)
      publisher.put(entryKey(owner, `many-${index}`), { schema: 1, value: round });
    const work = publisher.inOneSet(change());
    // The round has passed its first look by then, and waits for its turn.
    for (let turn = 0; turn < round; turn += 1) await Promise.resolve();
    work.next();
    for (let wait = 0; wait < 10; wait += 1) await lastRevision();
    work.next();
    await waitFor(() => set.values.has(entryKey(owner, come)) && !set.values.has(entryKey(owner, gone)), {
      timeoutMs: 30_000,
      what: `${come} in the place of ${gone}`,
    });
  }
  for (const keys of keysOfEachSet(set)) {
    const [hasA, hasC] = ['a', 'c'].map((secret) => keys.has(entryKey(owner, secret)));
    assert.notEqual(hasA, hasC, 'one of both, at any time');
  }
});

/** What was there with each set that came into force. */
function keysOfEachSet({ applied }: Pick<ReturnType<typeof followSet>, 'applied'>): ReadonlySet<string>[] {
  const present = new Set<string>();
  return applied.map(({ changes }) => {
    for (const { key, value } of changes) {
      if (value === undefined) present.delete(formatKey(key));
      else present.add(formatKey(key));
    }
    return new Set(present);
  });
}

test('the trace of each change arrives with it, also with a removal', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'traced');
  const publisher = publishSet(t, testBus, writing, bucket, 'traced');
  publisher.replace(new Map());
  const key = entryKey('traced', 'a');
  publisher.put(key, { schema: 1, value: 1 }, { traceparent: 'put', tracestate: 'a=b' });
  await waitForValues(set, 'traced', { a: 1 });
  publisher.remove(key, { traceparent: 'removed' });
  await waitForValues(set, 'traced', {});
  const changes = set.applied.flatMap(({ changes }) => [...changes]);
  assert.deepEqual(
    changes.map(({ traceparent, tracestate }) => [traceparent, tracestate]),
    [
      ['put', 'a=b'],
      ['removed', undefined],
    ],
  );
});

test('an empty set is complete once its publisher says so, and not before', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'empty');
  const publisher = publishSet(t, testBus, writing, bucket, 'empty');
  await waitFor(async () => (await lastManifest('empty'))?.includes('"complete":false'), {
    timeoutMs: 10_000,
    what: 'the claim',
  });
  assert.equal(set.reader.isComplete('empty'), false);
  publisher.replace(new Map());
  await waitFor(() => set.reader.isComplete('empty'), { timeoutMs: 10_000, what: 'the empty set' });
  assert.deepEqual(
    set.applied.map(({ changes }) => [...changes]),
    [[]],
  );
});

async function lastManifest(owner: string): Promise<string | undefined> {
  const { jsm } = await testBus.admin();
  const subject = subjectOf(bucket, formatKey({ owner, kind: 'manifest' }));
  return (await jsm.direct.getMessage(streamOf(bucket), { last_by_subj: subject }))?.string();
}

test('a set of several pages and a recipe arrive as one step', async (t) => {
  const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`s${index}`, index]));
  const records = entries('many', many);
  const recipe = formatKey({ owner: 'many', kind: 'recipe' });
  records.set(recipe, { value: { schema: 1, value: 'recipe' } });
  const publisher = publishSet(t, testBus, writing, bucket, 'many');
  const set = followSet(t, testBus, reading, bucket, 'many');
  publisher.replace(records);
  await waitFor(() => set.values.size === 3_001, { timeoutMs: 30_000, what: 'all records' });
  assert.equal(set.applied.filter(({ changes }) => changes.length > 0).length, 1);
  const late = followSet(t, testBus, reading, bucket, 'many');
  await waitFor(() => late.values.size === 3_001, { timeoutMs: 30_000, what: 'all records' });
  assert.deepEqual(new Map([...late.values].sort()), new Map([...set.values].sort()));
});

test('a successor with the same set writes its claim and nothing else', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'heir');
  const first = publishSet(t, testBus, writing, bucket, 'heir');
  first.replace(entries('heir', { a: 1, b: 2 }));
  await waitForValues(set, 'heir', { a: 1, b: 2 });
  await first.stop();
  const revision = await lastRevision();
  const second = publishSet(t, testBus, writing, bucket, 'heir');
  second.replace(entries('heir', { a: 1, b: 2 }));
  await settled(second);
  assert.equal(await lastRevision(), revision + 1);
  assert.deepEqual(second.published(), { owner: 'heir', epoch: 2, seq: 0 });
  await waitFor(() => set.reader.applied()[0]?.epoch === 2, { timeoutMs: 5_000, what: 'the new epoch' });
  assert.equal(set.applied.at(-1)?.changes.length, 0);
});

test('while a successor has not listed everything, old and new readers hold the set before', async (t) => {
  const before = followSet(t, testBus, reading, bucket, 'slow');
  const first = publishSet(t, testBus, writing, bucket, 'slow');
  first.replace(entries('slow', { a: 1, b: 2 }));
  await waitForValues(before, 'slow', { a: 1, b: 2 });
  await first.stop();
  const second = publishSet(t, testBus, writing, bucket, 'slow');
  await waitFor(() => before.reader.applied()[0]?.epoch === 2, { timeoutMs: 5_000, what: 'the claim' });
  const fresh = followSet(t, testBus, reading, bucket, 'slow');
  await waitForValues(fresh, 'slow', { a: 1, b: 2 });
  assert.equal(second.published(), undefined);
  second.replace(entries('slow', { b: 2, c: 3 }));
  await Promise.all([before, fresh].map((set) => waitForValues(set, 'slow', { b: 2, c: 3 })));
});

test('a reader hears nothing of other owners', async (t) => {
  const other = followSet(t, testBus, reading, bucket, 'other');
  const set = followSet(t, testBus, reading, bucket, 'single');
  const publisher = publishSet(t, testBus, writing, bucket, 'single');
  publisher.replace(entries('single', { a: 1 }));
  await waitForValues(set, 'single', { a: 1 });
  assert.deepEqual(other.applied, []);
});

test('a consumer that throws ends the process, since what it was handed does not come again', async (t) => {
  const failing = await testBus.connect();
  const reader = createReader(failing, {
    bucket,
    owners: ['throws'],
    log: testBus.log,
    clock: systemClock,
    onApply: () => {
      throw new Error('consumer');
    },
  });
  t.after(() => reader.stop());
  assert.deepEqual(testBus.ends, []);
  publishSet(t, testBus, writing, bucket, 'throws').replace(new Map());
  await waitFor(() => testBus.ends.length > 0, { timeoutMs: 5_000, what: 'the end' });
  assert.deepEqual(testBus.ends, [exitCode.failed]);
});

test('a record too long for the bus is left out and told, and all others are published', async (t) => {
  const tooLong = { schema: 1, value: 'x'.repeat(1_000_000) };
  const set = followSet(t, testBus, reading, bucket, 'long');
  const publisher = publishSet(t, testBus, writing, bucket, 'long');
  const logged = testBus.logLines.length;
  publisher.replace(entries('long', { a: 1, b: 2 }).set(entryKey('long', 'fat'), { value: tooLong }));
  await waitForValues(set, 'long', { a: 1, b: 2 });
  const told = testBus.logLines.slice(logged).find((line) => line.includes('is left out'));
  const { level, namespace, secret, err } = JSON.parse(told ?? '{}');
  assert.deepEqual([level, namespace, secret, err.code], [50, 'ns', 'fat', 'RECORD_INVALID']);
  // What was stored of a record that has grown too long is no longer true.
  publisher.put(entryKey('long', 'b'), tooLong);
  publisher.put(entryKey('long', 'c'), { schema: 1, value: 3 });
  await waitForValues(set, 'long', { a: 1, c: 3 });
});

test('a publisher tells its epoch once it has claimed, and what the one before has left', async (t) => {
  const set = followSet(t, testBus, reading, bucket, 'heir');
  const first = publishSet(t, testBus, writing, bucket, 'heir');
  first.replace(entries('heir', { a: 1, b: 2 }));
  await waitForValues(set, 'heir', { a: 1, b: 2 });
  first.remove(entryKey('heir', 'b'));
  await waitForValues(set, 'heir', { a: 1 });
  assert.equal(await first.claimed(), first.published()?.epoch);
  await first.stop();
  const second = publishSet(t, testBus, writing, bucket, 'heir');
  assert.equal(await second.claimed(), (await first.claimed()) + 1);
  assert.deepEqual(second.stored(entryKey('heir', 'a')), { schema: 1, value: 1 });
  assert.equal(second.stored(entryKey('heir', 'b')), undefined);
  assert.equal(second.stored(entryKey('heir', 'never')), undefined);
});
