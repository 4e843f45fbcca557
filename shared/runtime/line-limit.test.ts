import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLineLimit } from './line-limit.ts';

test('of a flood of lines the first are told, and later how many were not', () => {
  let nowMs = 0;
  const limit = createLineLimit({ monotonicMs: () => nowMs });
  const told = Array.from({ length: 1_000 }, limit).filter((may) => may !== undefined);
  assert.deepEqual(
    told,
    Array.from({ length: 20 }, () => ({})),
  );
  nowMs += 10_000;
  assert.deepEqual([limit(), limit()], [{ heldBack: 980 }, {}]);
});
