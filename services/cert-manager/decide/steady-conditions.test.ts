import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSteadyConditions } from './steady-conditions.ts';

test('a condition counts from when it was first seen, and anew after it did not hold', () => {
  const conditions = createSteadyConditions();
  assert.equal(conditions.note(['a'], 1_000)('a'), 0);
  assert.equal(conditions.note(['a', 'b'], 6_000)('a'), 5_000);
  assert.equal(conditions.note(['b'], 8_000)('b'), 2_000);
  assert.equal(conditions.note(['a', 'b'], 9_000)('a'), 0);
  assert.equal(conditions.note(['a', 'b'], 9_500)('never'), 0);
});

test('a pause of the process ends every condition', () => {
  const conditions = createSteadyConditions();
  conditions.note(['a'], 1_000);
  assert.equal(conditions.note(['a'], 16_000)('a'), 15_000);
  assert.equal(conditions.note(['a'], 31_001)('a'), 0);
});
