import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createStaging } from '#shared/bus/read/staging.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { createDigestSet } from './digest.ts';
import { HeldRecord } from './held-record.ts';
import type { BusRecord } from './record.ts';
import { RecordIntake } from './record-intake.ts';

const keyOf = (name: string) => `k8s.entry.ns.${name}`;
const gone = (name: string, revision: number, epoch = 1) =>
  aRecord({ key: keyOf(name), revision, epoch, deleted: true, bytes: new Uint8Array() });

function intakeOf(records: readonly BusRecord[], known: readonly string[] = []) {
  const intake = new RecordIntake(
    { mostBytes: 1_000, beyond: 'refuse' },
    { afterRevision: 0, isKnown: (key) => known.includes(key) },
  );
  for (const record of records) intake.take(record);
  return intake;
}

const takenBy = (intake: RecordIntake): BusRecord[] =>
  Array.from(intake.result().records.values(), (record) => ({ ...record }));

test('input 65: a reader takes in a hundred thousand names that came and went as one record that costs nothing', () => {
  const intake = intakeOf(Array.from({ length: 100_000 }, (_, index) => gone(`name-${index}`, index + 1)));
  const { records, revision } = intake.result();
  assert.deepEqual([records.size, revision, intake.costBytes], [1, 100_000, 0]);
});

test('the tombstone of what is known, or was just read, takes it out', () => {
  const known = gone('db', 1);
  const [app, later] = [aRecord({ key: keyOf('app'), revision: 2 }), gone('app', 3)];
  const intake = intakeOf([known, app, later], [keyOf('db')]);
  const { costBytes, revision } = intake.result();
  assert.deepEqual([takenBy(intake), costBytes, revision], [[known, later], 0, 3]);
  assert.equal(intakeOf([known, app, later, gone('other', 4)], [keyOf('db')]).costBytes, 0);
});

test('a record that is held already is given back when it is read again, and one that differs is not', () => {
  const [held, other] = ['db', 'app'].map((name) =>
    HeldRecord.of(aRecord({ key: keyOf(name), revision: 1 })),
  ) as [HeldRecord, HeldRecord];
  const isKnown = () => false;
  const since = { afterRevision: 0, isKnown, held: new Map([held, other].map((one) => [one.key, one])) };
  const intake = new RecordIntake({ mostBytes: 1_000, beyond: 'refuse' }, since);
  const forged = { ...other, bytes: Buffer.from('{"schema":1,"v":2}') };
  for (const record of [{ ...held }, forged]) intake.take(record);
  const { records } = intake.result();
  assert.ok(records.get(held.key) === held);
  assert.deepEqual({ ...records.get(other.key) }, forged);
});

test('a writer sees every tombstone, without what somebody stored with it', () => {
  const intake = new RecordIntake(
    { mostBytes: 1_000, beyond: 'strip' },
    { afterRevision: 7, isKnown: () => false },
  );
  assert.equal(intake.result().revision, 7);
  for (const record of [gone('a', 8), { ...gone('b', 9), trace: { tracestate: 's' } }]) intake.take(record);
  assert.deepEqual(takenBy(intake), [gone('a', 8), gone('b', 9)]);
});

test('whatever is stored, a reader that starts has the same set with and without the tombstones it leaves out', () => {
  const anyRecord = fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    epoch: fc.integer({ min: 0, max: 4 }),
    kind: fc.constantFrom('entry', 'gone', 'gone', 'odd', 'manifest'),
  });
  const recordOf = ({ name, epoch, kind }: { name: string; epoch: number; kind: string }, index: number) => {
    const revision = index + 1;
    if (kind === 'gone') return gone(name, revision, epoch);
    if (kind === 'odd') return { ...gone(name, revision, epoch), key: `k8s.odd.${name}` };
    if (kind === 'manifest') return { ...aManifest('k8s', createDigestSet(), { epoch, seq: 0 }), revision };
    return aRecord({ key: keyOf(name), revision, epoch });
  };
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 20 }), (given) => {
      const written = given.map(recordOf);
      const last = new Map(written.map((record) => [record.key, record]));
      const stored = written.filter((record) => last.get(record.key) === record);
      const taken = takenBy(intakeOf(stored));
      const outcomes = [stored, taken].map((records) => {
        const staging = createStaging('k8s');
        return records.flatMap((record) => {
          const outcome = staging.stage(record);
          return record.deleted ? [] : [`${record.key} ${outcome}`];
        });
      });
      assert.deepEqual(outcomes[1], outcomes[0]);
    }),
    propertyRuns,
  );
});
