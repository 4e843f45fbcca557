import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { providerBackoffMs } from './provider-backoff.ts';

const randomNumber = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const secondsAfter = (failures: number): number => Math.round(providerBackoffMs(failures, 0.999) / 1_000);

test('the pauses double, from the fifth failure on from half a minute', () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map(secondsAfter), [1, 2, 4, 8, 30, 60, 120, 240, 300]);
});

test('no pause is longer than five minutes, and each lies between half and the whole of what it would be', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), randomNumber, (failures, random) => {
      const [shortest, drawn, longest] = [0, random, 1 - 1e-9].map((share) =>
        providerBackoffMs(failures, share),
      );
      assert.ok(drawn !== undefined && shortest !== undefined && longest !== undefined);
      assert.ok(shortest <= drawn && drawn <= longest && longest <= 300_000);
      assert.ok(longest <= shortest * 2 + 1);
    }),
  );
});
