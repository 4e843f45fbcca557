import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, busBackoff, kubernetesBackoff } from './backoff.ts';

test('pauses double from the first to the longest', () => {
  const bus = [0, 1, 2, 3, 4, 5, 1_000].map((attempt) => backoffMs(busBackoff, attempt, 1));
  assert.deepEqual(bus, [100, 200, 400, 800, 1_600, 2_000, 2_000]);
  const kubernetes = [0, 1, 2, 3, 4, 500].map((attempt) => backoffMs(kubernetesBackoff, attempt, 1));
  assert.deepEqual(kubernetes, [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
});

test('a pause varies down to its half', () => {
  assert.equal(backoffMs(busBackoff, 0, 0), 50);
});
