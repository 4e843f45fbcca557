import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HeldRecord } from '#shared/bus/records/held-record.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { StagedRecords } from './staged-records.ts';

const keys = ['a', 'b', 'c', 'd', 'e'];
const recordOf = (key: string, revision: number) => HeldRecord.of(aRecord({ key, revision }));

test('whatever arrives over what is in force, each key has what a copy of all of it would have', () => {
  const anyArrival = fc.record({ key: fc.constantFrom(...keys), forgets: fc.boolean() });
  fc.assert(
    fc.property(fc.subarray(keys), fc.array(anyArrival), (inForce, arrivals) => {
      const base = new Map(inForce.map((key) => [key, recordOf(key, 0)]));
      const [staged, copy] = [new StagedRecords(base), new Map(base)];
      for (const [index, { key, forgets }] of arrivals.entries()) {
        if (forgets && !base.has(key)) {
          staged.forget(key);
          copy.delete(key);
        } else {
          const record = recordOf(key, index + 1);
          staged.put(record);
          copy.set(key, record);
        }
      }
      for (const key of keys) assert.equal(staged.get(key), copy.get(key));
      for (const [key, record] of copy) if (base.get(key) !== record) assert.ok(staged.arrived.has(key));
      assert.equal(staged.isWhole, false);
    }),
    propertyRuns,
  );
});

test('after a reset what has arrived is all', () => {
  const staged = new StagedRecords();
  staged.put(recordOf('a', 1));
  assert.deepEqual([staged.isWhole, [...staged.arrived.keys()]], [true, ['a']]);
  assert.equal(new StagedRecords(new Map()).isWhole, false);
});
