import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { finishWork, recordsPerSlice } from '#shared/runtime/turn-queue.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { RecordsInForce } from './records-in-force.ts';

const keyOf = (index: number): string => `k8s.entry.ns.s${index}`;
const setOf = (records: readonly BusRecord[]) => new Map(records.map((record) => [record.key, record]));
const many = (count: number, seq = 1) =>
  Array.from({ length: count }, (_, index) => aRecord({ key: keyOf(index), body: { schema: 1, seq } }));

test('ten thousand records are compared and copied in slices, and come into force in one step', () => {
  const inForce = new RecordsInForce();
  const work = inForce.compare(setOf(many(10_000)), undefined);
  let turns = 1;
  let step = work.next();
  for (; step.done !== true; step = work.next()) {
    turns += 1;
    assert.deepEqual([...inForce.records()], []);
  }
  assert.ok(turns >= (2 * 10_000) / recordsPerSlice, `${turns} turns`);
  assert.deepEqual([step.value.changed.length, step.value.malformed], [10_000, 0]);
  const staged = step.value.commit();
  assert.deepEqual([[...inForce.records()].length, staged.size], [10_000, 10_000]);
});

test('a set that is read again as it was changes nothing, and a large change is the same as many small ones', () => {
  const [atOnce, stepwise] = [new RecordsInForce(), new RecordsInForce()];
  const [old, next] = [many(5_000), many(5_000, 2)];
  const gone = { ...aRecord({ key: keyOf(7) }), deleted: true, bytes: new Uint8Array() };
  const bad = aRecord({ key: keyOf(9), bytes: Buffer.from('{') });
  const staged = setOf([...next, gone, bad]);
  for (const set of [atOnce, stepwise]) finishWork(set.compare(setOf(old), undefined)).commit();
  assert.deepEqual(finishWork(atOnce.compare(setOf(old), undefined)).changed, []);

  const large = finishWork(atOnce.compare(new Map(staged), undefined));
  const left = large.commit();
  const changed: unknown[] = [];
  const rest = new Map(staged);
  for (const key of staged.keys()) {
    const small = finishWork(stepwise.compare(rest, new Set([key])));
    changed.push(...small.changed);
    small.commit();
  }
  assert.deepEqual(large.changed, changed);
  assert.equal(large.malformed, 1);
  assert.deepEqual(setOf([...atOnce.records()]), setOf([...stepwise.records()]));
  assert.deepEqual(left, rest);
  assert.deepEqual([left.has(gone.key), atOnce.has(gone.key), atOnce.has(bad.key)], [false, false, true]);
  // The consumer still has the value before it, so that a removal is news.
  assert.equal(new Map(atOnce.delivered()).get(bad.key), old[9]);
  left.delete(bad.key);
  const removal = finishWork(atOnce.compare(left, new Set([bad.key])));
  assert.deepEqual(removal.changed, [[bad.key, undefined]]);
});
