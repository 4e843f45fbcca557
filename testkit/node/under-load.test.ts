import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestRefusalMs } from './under-load.ts';

const failure = (sentAtMs: number, failedAtMs: number) => ({ sentAtMs, failedAtMs });

test('refusals that follow each other are one, from the first request to the last answer', () => {
  assert.equal(
    longestRefusalMs([failure(1_000, 1_500), failure(1_600, 3_000), failure(2_000, 2_100)]),
    2_000,
  );
});

test('refusals with admissions between them are told apart, and the longest counts', () => {
  assert.equal(longestRefusalMs([failure(0, 100), failure(5_000, 5_300), failure(9_000, 9_200)]), 300);
  assert.equal(longestRefusalMs([]), 0);
});
