import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { type ChangedRecord, createSetChanges } from '#shared/bus/read/set-changes.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { createIndexSink } from './index-sink.ts';

const log = pino({ level: 'silent' });

/** A record whose entry has so many items. */
function aWideRecord(name: string, items: number): ChangedRecord {
  const names = Array.from({ length: items }, (_, index) => [`${name}/${index.toString(36)}`, {}]);
  const key = `aws.entry._.${name}`;
  return [key, aRecord({ key, body: { schema: 1, items: Object.fromEntries(names) } })];
}
const wide = Array.from({ length: 20 }, (_, index) => aWideRecord(`s${index}`, 5_000));
const removed = (records: readonly ChangedRecord[]): ChangedRecord[] =>
  records.map(([key]) => [key, undefined]);

/** A gateway's rules. */
function aGateway() {
  const index = createRuleIndex();
  const sink = createIndexSink({ index, log, onFault: () => assert.fail('refused') });
  return {
    index,
    /** Puts a set in force; returns in how many turns of the event loop before the last. */
    turnsOf(records: readonly ChangedRecord[]): number {
      const work = sink.prepare({ owner: 'aws', epoch: 1, seq: 1, changes: createSetChanges(records) });
      for (let turns = 0; ; turns += 1) {
        const step = work.next();
        if (step.done !== true) continue;
        step.value();
        return turns;
      }
    },
  };
}

test('input 73: few records that name a hundred thousand items come into force in many turns, as they change and as they go', () => {
  const { index, turnsOf } = aGateway();
  for (const records of [wide, wide, removed(wide)]) assert.ok(turnsOf(records) >= wide.length);
  assert.deepEqual([...index.lookupKeys('aws')], []);
});

test('a change of few items comes into force at once, in an index of any size', () => {
  const { index, turnsOf } = aGateway();
  turnsOf(wide);
  const small = aWideRecord('small', 1_000);
  assert.deepEqual([turnsOf([small]), turnsOf([small]), turnsOf(removed([small]))], [0, 0, 0]);
  assert.equal([...index.lookupKeys('aws')].length, 100_000);
});
