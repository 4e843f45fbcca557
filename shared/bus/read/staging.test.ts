import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { createStaging } from './staging.ts';

const entryKey = (secret: string) => formatKey({ owner: 'k8s', kind: 'entry', namespace: 'ns', secret });
const setOf = (records: readonly BusRecord[]) => {
  const set = createDigestSet();
  for (const { key, bytes } of records) set.set(key, bytes);
  return set;
};
const manifestOf = (records: readonly BusRecord[], given: Parameters<typeof aManifest>[2] = {}) =>
  aManifest('k8s', setOf(records), given);

function stagingWith(records: readonly BusRecord[], given: Parameters<typeof aManifest>[2] = {}) {
  const staging = createStaging('k8s');
  for (const record of [...records, manifestOf(records, given)]) staging.stage(record);
  return staging;
}
/** Puts the staged set in force; returns what it changes. */
function changesOf(staging: ReturnType<typeof createStaging>) {
  const step = staging.apply();
  return step && [...step.set.changes];
}
const secretsIn = (staging: ReturnType<typeof createStaging>) =>
  changesOf(staging)?.map(({ key, value }) => [key.kind === 'entry' && key.secret, value !== undefined]);

const [one, two] = [aRecord({ key: entryKey('one') }), aRecord({ key: entryKey('two') })];

test('a set is handed out when the manifest matches, once, with the trace of each record', () => {
  const traced = aRecord({
    key: entryKey('one'),
    body: { schema: 1, items: {} },
    trace: { traceparent: 't' },
  });
  const staging = stagingWith([traced], { seq: 7 });
  assert.deepEqual(changesOf(staging), [
    {
      key: { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'one' },
      record: entryKey('one'),
      bytes: traced.bytes,
      value: { schema: 1, items: {} },
      traceparent: 't',
    },
  ]);
  assert.equal(staging.apply(), undefined);
  assert.deepEqual(staging.applied(), { epoch: 1, seq: 7 });
});

test('nothing is handed out while a record is missing, too many, different, or the manifest incomplete', () => {
  const wrong = aRecord({ key: entryKey('two'), body: { schema: 1, other: true } });
  const cases: [string, BusRecord[]][] = [
    ['missing', [one, manifestOf([one, two])]],
    ['too many', [one, two, manifestOf([one])]],
    ['different', [one, wrong, manifestOf([one, two])]],
    ['incomplete', [one, manifestOf([one], { complete: false })]],
    ['no manifest', [one]],
    ['recipe', [one, manifestOf([one], { recipeDigest: recipeDigest(Buffer.from('x')) })]],
  ];
  for (const [name, records] of cases) {
    const staging = createStaging('k8s');
    for (const record of records) staging.stage(record);
    assert.equal(staging.apply(), undefined, name);
  }
});

test('the set in force stays after a reset, and the next complete set brings only the difference', () => {
  const staging = stagingWith([one, two]);
  staging.apply();
  staging.reset();
  assert.equal(staging.apply(), undefined);
  assert.deepEqual(staging.applied(), { epoch: 1, seq: 1 });
  const three = aRecord({ key: entryKey('three') });
  for (const record of [one, three, manifestOf([one, three], { seq: 2 })]) staging.stage(record);
  assert.deepEqual(secretsIn(staging), [
    ['two', false],
    ['three', true],
  ]);
});

test('after a reset a lower epoch is accepted again: the bucket began anew', () => {
  const staging = stagingWith([{ ...one, epoch: 9 }], { epoch: 9 });
  staging.apply();
  staging.reset();
  for (const record of [one, two, manifestOf([one, two])]) staging.stage(record);
  staging.confirm({ epoch: 1, seq: 0 });
  assert.deepEqual(secretsIn(staging), [['two', true]]);
});

test('a record of a lower epoch than one seen before is outdated, also under another key', () => {
  const staging = stagingWith([one], { epoch: 2 });
  assert.equal(staging.stage({ ...two, epoch: 1 }), 'outdated');
  assert.equal(staging.stage(manifestOf([], { epoch: 1, seq: 99 })), 'outdated');
  assert.deepEqual(secretsIn(staging), [['one', true]]);
});

test('a replayed older record and a replayed older manifest are outdated', () => {
  const staging = stagingWith([{ ...one, seq: 5 }], { seq: 5 });
  assert.equal(staging.stage({ ...one, seq: 4, deleted: true }), 'outdated');
  assert.equal(staging.stage(manifestOf([], { seq: 4 })), 'outdated');
  assert.equal(staging.stage({ ...manifestOf([]), deleted: true }), 'outdated');
  assert.deepEqual(secretsIn(staging), [['one', true]]);
});

test('a tombstone takes a record out', () => {
  const staging = stagingWith([one, two]);
  staging.apply();
  staging.stage({ ...two, seq: 2, deleted: true, bytes: new Uint8Array() });
  assert.equal(staging.apply(), undefined);
  staging.stage(manifestOf([one], { seq: 2 }));
  assert.deepEqual(secretsIn(staging), [['two', false]]);
});

test('a malformed record counts in the digest, is refused, and its value before stays in force', () => {
  for (const text of ['{', '"text"', '{"schema":2}', '\u{1F511}']) {
    const staging = stagingWith([one, two]);
    staging.apply();
    const bad = { ...one, seq: 2, bytes: new TextEncoder().encode(text) };
    const other = { ...two, seq: 2, bytes: new TextEncoder().encode('{"schema":1,"new":1}') };
    for (const record of [bad, other, manifestOf([bad, other], { seq: 2 })]) staging.stage(record);
    const step = staging.apply();
    assert.equal(step?.malformed, 1, text);
    assert.deepEqual(
      Array.from(step?.set.changes ?? [], ({ value }) => value),
      [{ schema: 1, new: 1 }],
    );
    const gone = { ...one, seq: 3, deleted: true };
    for (const record of [gone, manifestOf([other], { seq: 3 })]) staging.stage(record);
    assert.deepEqual(secretsIn(staging), [['one', false]]);
  }
});

test('an unreadable key or manifest is malformed and changes nothing', () => {
  const staging = stagingWith([one]);
  assert.equal(staging.stage(aRecord({ key: 'k8s.what.is.this' })), 'malformed');
  assert.equal(staging.stage(aRecord({ key: 'k8s.manifest', body: { schema: 2 } })), 'malformed');
  assert.deepEqual(secretsIn(staging), [['one', true]]);
});

test('whatever is lost on the way, a consumer only ever holds sets that a manifest described', () => {
  const anyChange = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.option(fc.nat(3), { nil: undefined }));
  const textOf = (set: ReadonlyMap<string, unknown>) =>
    JSON.stringify([...set].sort(([left], [right]) => (left < right ? -1 : 1)));
  fc.assert(
    fc.property(fc.array(fc.array(anyChange), { maxLength: 6 }), fc.nat(), (rounds, lost) => {
      const values = new Map<string, unknown>();
      const digests = createDigestSet();
      const described = new Set([textOf(values)]);
      const messages = rounds.flatMap((round, index) => {
        const seq = index + 1;
        const records = round.map(([secret, value]) => {
          const body = { schema: 1, value };
          const record = aRecord({ key: entryKey(secret), seq, deleted: value === undefined, body });
          if (value === undefined) {
            values.delete(record.key);
            digests.delete(record.key);
          } else {
            values.set(record.key, body);
            digests.set(record.key, record.bytes);
          }
          return record;
        });
        described.add(textOf(values));
        return [...records, aManifest('k8s', digests, { seq })];
      });

      const staging = createStaging('k8s');
      const held = new Map<string, unknown>();
      for (const [index, message] of messages.entries()) {
        if (index !== lost % (messages.length + 1)) staging.stage(message);
        for (const { key, value } of staging.apply()?.set.changes ?? []) {
          if (value === undefined) held.delete(formatKey(key));
          else held.set(formatKey(key), value);
        }
        assert.ok(described.has(textOf(held)), textOf(held));
      }
    }),
  );
});

test('after a reset an older set comes into force only when its live publisher confirms it', () => {
  const staging = stagingWith([one, two], { epoch: 2, seq: 7 });
  staging.apply();
  staging.reset();
  for (const record of [one, manifestOf([one], { epoch: 2, seq: 5 })]) staging.stage(record);
  assert.equal(staging.apply(), undefined);
  staging.confirm({ epoch: 2, seq: 7 });
  assert.equal(staging.apply(), undefined);
  staging.confirm({ epoch: 1, seq: 5 });
  assert.equal(staging.apply(), undefined);
  staging.confirm({ epoch: 2, seq: 5 });
  assert.deepEqual(secretsIn(staging), [['two', false]]);
  assert.deepEqual(staging.applied(), { epoch: 2, seq: 5 });
});

test('after a reset a newer set needs nobody to confirm it', () => {
  const staging = stagingWith([one], { epoch: 2, seq: 7 });
  staging.apply();
  staging.reset();
  for (const record of [two, manifestOf([two], { epoch: 2, seq: 8 })]) staging.stage(record);
  assert.deepEqual(secretsIn(staging)?.toSorted(), [
    ['one', false],
    ['two', true],
  ]);
});

test('a claim on a restored bucket brings no old content: only what its publisher lists does', () => {
  const staging = stagingWith([one, two], { epoch: 2, seq: 7 });
  staging.apply();
  staging.reset();
  for (const record of [one, manifestOf([one], { epoch: 3, seq: 0 })]) staging.stage(record);
  assert.equal(staging.apply(), undefined);
  assert.deepEqual(staging.applied(), { epoch: 2, seq: 7 });
  staging.stage(manifestOf([one], { epoch: 3, seq: 1 }));
  assert.deepEqual(secretsIn(staging), [['two', false]]);
});

test('a claim that repeats the set in force is taken, and whoever has none takes what it repeats', () => {
  const staging = stagingWith([one], { epoch: 2, seq: 7 });
  staging.apply();
  staging.stage(manifestOf([one], { epoch: 3, seq: 0 }));
  staging.apply();
  assert.deepEqual(staging.applied(), { epoch: 3, seq: 0 });
  assert.deepEqual(secretsIn(stagingWith([one], { epoch: 3, seq: 0 })), [['one', true]]);
});

test('the records of a set staged anew give the same set, whatever is staged meanwhile', () => {
  const bad = { ...two, bytes: new TextEncoder().encode('{') };
  const before = stagingWith([one, bad], { epoch: 3, seq: 4 });
  before.apply();
  before.stage({ ...one, epoch: 3, seq: 5, deleted: true });
  assert.equal(before.apply(), undefined);
  const after = createStaging('k8s');
  for (const record of before.records()) after.stage(record);
  assert.deepEqual(secretsIn(after), [['one', true]]);
  assert.deepEqual(after.applied(), { epoch: 3, seq: 4 });
  assert.deepEqual(after.records(), before.records());
  before.reset();
  assert.deepEqual(before.records(), after.records());
  assert.deepEqual(createStaging('k8s').records(), []);
});

test("another owner's record is refused, and brings nothing into the set", () => {
  const foreign = aRecord({ key: formatKey({ owner: 'aws', kind: 'recipe' }) });
  const staging = createStaging('k8s');
  assert.equal(staging.stage(foreign), 'malformed');
  for (const record of [one, manifestOf([one])]) staging.stage(record);
  assert.deepEqual(secretsIn(staging), [['one', true]]);
});

test('whatever is let go of, the next sets bring the same differences', () => {
  const anyRecord = fc.record({
    secret: fc.constantFrom('a', 'b', 'c', 'd'),
    text: fc.constantFrom('{"schema":1}', '{"schema":1,"v":2}', '{', undefined),
  });
  const anyRound = fc.record({ records: fc.array(anyRecord, { maxLength: 5 }), resets: fc.boolean() });
  fc.assert(
    fc.property(fc.array(anyRound, { maxLength: 6 }), (rounds) => {
      const [whole, lean] = [createStaging('k8s'), createStaging('k8s')];
      const stored = new Map<string, BusRecord>();
      for (const [index, { records, resets }] of rounds.entries()) {
        const seq = index + 1;
        const changed = records.map(({ secret, text }, at) => {
          const bytes = Buffer.from(text ?? '');
          const deleted = text === undefined;
          return aRecord({ key: entryKey(secret), revision: 10 * seq + at, seq, deleted, bytes });
        });
        for (const record of changed) stored.set(record.key, record);
        const live = [...stored.values()].filter(({ deleted }) => !deleted);
        const staged = [...(resets ? stored.values() : changed), manifestOf(live, { seq })];
        const told = [whole, lean].map((staging) => {
          if (resets) staging.reset();
          for (const record of staged) staging.stage(record);
          const step = staging.apply();
          const changes = [...(step?.set.changes ?? [])];
          if (staging === lean && step !== undefined) finishWork(step.shed());
          return { changes, malformed: step?.malformed, applied: staging.applied() };
        });
        assert.deepEqual(told[1], told[0]);
      }
      assert.ok(lean.records().every(({ key, bytes }) => key === 'k8s.manifest' || bytes.length === 0));
    }),
    propertyRuns,
  );
});
