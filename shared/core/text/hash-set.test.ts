import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HashSet } from './hash-set.ts';

test('input 64: as many different hashes are counted as there are, also of those that share a slot', () => {
  const hash = fc.oneof(
    fc.integer({ min: 1, max: 50 }),
    fc.integer({ min: 1, max: 50 }).map((index) => index * 2 ** 32 + 7),
    fc.maxSafeInteger().map((value) => 1 + Math.abs(value % 2 ** 52)),
  );
  fc.assert(
    fc.property(fc.array(hash, { maxLength: 3_000, size: 'max' }), (hashes) => {
      const [set, model] = [new HashSet(), new Set<number>()];
      for (const one of hashes) assert.equal(set.add(one), model.add(one).size);
    }),
    { numRuns: 20 },
  );
});
