import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alternatedChunks, chunkCost } from './alternated-chunks.ts';

test('a ratio is that of chunks side by side, so that a slow minute counts in neither', () => {
  const { ratio, bestRatio, bestUs } = chunkCost([20, 200, 22], [10, 100, 11]);
  assert.deepEqual(ratio, { median: 2, low: 2, high: 2 });
  assert.equal(bestUs, 20);
  assert.equal(bestRatio, 2);
});

test('every function is run, and the one named is compared with itself', () => {
  let runs = 0;
  const costs = alternatedChunks(
    { base: () => JSON.parse('[1]'), other: () => (runs += 1) },
    { baseline: 'base', chunks: 3, chunkMs: 0 },
  );
  assert.deepEqual(Object.keys(costs), ['base', 'other']);
  assert.equal(runs, 3);
});
