import assert from 'node:assert/strict';
import { test } from 'node:test';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { aRecord } from '#testkit/nats/a-record.ts';
import { inRevisionOrder } from './in-revision-order.ts';

test('records of any number are in the order of revisions, as one sort would have them, in many slices', () => {
  for (const count of [0, 1, 2, 1_024, 1_025, 5_000]) {
    const records = Array.from({ length: count }, (_, index) =>
      aRecord({ key: `k8s.entry.ns.s${index}`, revision: (index * 7_919) % 1_000 }),
    );
    const sorted = records.toSorted((left, right) => left.revision - right.revision);
    assert.deepEqual(finishWork(inRevisionOrder(records)), sorted);
    assert.ok([...inRevisionOrder(records)].length >= count / 1_024 - 1);
  }
});
