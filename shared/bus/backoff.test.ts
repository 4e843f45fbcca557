import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from './backoff.ts';

test('pauses double from 100 ms to 2 s and vary down to their half', () => {
  const full = [1, 2, 3, 4, 5, 6, 1_000].map((attempt) => backoffMs(attempt, () => 1));
  assert.deepEqual(full, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
  assert.equal(
    backoffMs(1, () => 0),
    50,
  );
});
