import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldRecord } from '#shared/bus/records/held-record.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { finishWork, recordsPerSlice } from '#shared/runtime/turn-queue.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { RecordsInForce } from './records-in-force.ts';
import { StagedRecords } from './staged-records.ts';

const keyOf = (index: number): string => `k8s.entry.ns.s${index}`;
const many = (count: number, seq = 1) =>
  Array.from({ length: count }, (_, index) => aRecord({ key: keyOf(index), body: { schema: 1, seq } }));

/** Records as they are staged over what is in force, or without that as a set of its own. */
function stagedOf(records: Iterable<BusRecord>, inForce?: RecordsInForce): StagedRecords {
  const staged = new StagedRecords(inForce?.byKey);
  for (const record of records) staged.put(HeldRecord.of(record));
  return staged;
}
const compared = (inForce: RecordsInForce, staged: StagedRecords) => finishWork(inForce.compare(staged));

test('ten thousand records are compared in slices, and come into force in one step', () => {
  const inForce = new RecordsInForce();
  const work = inForce.compare(stagedOf(many(10_000)));
  let turns = 1;
  let step = work.next();
  for (; step.done !== true; step = work.next()) {
    turns += 1;
    assert.equal(inForce.byKey.size, 0);
  }
  assert.ok(turns >= (2 * 10_000) / recordsPerSlice - 1, `${turns} turns`);
  assert.deepEqual([step.value.changed.length, step.value.malformed], [10_000, 0]);
  step.value.commit();
  assert.equal(inForce.byKey.size, 10_000);
});

test('a set that is read again as it was changes nothing, and however a large change comes it is the same', () => {
  const [whole, atOnce, stepwise] = [new RecordsInForce(), new RecordsInForce(), new RecordsInForce()];
  const [old, next] = [many(5_000), many(5_000, 2)];
  const gone = { ...aRecord({ key: keyOf(7) }), deleted: true, bytes: new Uint8Array() };
  const bad = aRecord({ key: keyOf(9), bytes: Buffer.from('{') });
  const arriving = [...new Map([...next, gone, bad].map((record) => [record.key, record])).values()];
  for (const inForce of [whole, atOnce, stepwise]) compared(inForce, stagedOf(old)).commit();
  assert.deepEqual(compared(whole, stagedOf(old)).changed, []);

  const steps = arriving.map((record) => {
    const small = compared(stepwise, stagedOf([record], stepwise));
    small.commit();
    return small;
  });
  const stepwiseChanges = steps.flatMap(({ changed }) => changed);
  for (const [inForce, staged] of [
    [whole, stagedOf(arriving)],
    [atOnce, stagedOf(arriving, atOnce)],
  ] as const) {
    const large = compared(inForce, staged);
    assert.equal(inForce.byKey.get(keyOf(0))?.hash, HeldRecord.of(old[0] ?? gone).hash);
    large.commit();
    assert.deepEqual(large.changed, stepwiseChanges);
    assert.equal(large.malformed, 1);
    assert.deepEqual(inForce.byKey, stepwise.byKey);
    assert.deepEqual([inForce.byKey.has(gone.key), inForce.byKey.has(bad.key)], [false, true]);
    // The consumer still has the value before it, so that a removal is news.
    assert.equal(new Map(inForce.delivered()).get(bad.key)?.bytes, old[9]?.bytes);
    const removal = compared(inForce, stagedOf([{ ...bad, deleted: true }], inForce));
    assert.deepEqual(
      removal.changed.map(([key]) => key),
      [bad.key],
    );
  }
});
