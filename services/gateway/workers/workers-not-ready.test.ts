import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workersNotReady, workersRemarks } from './workers-not-ready.ts';

test('at the start every worker has to serve, later one suffices', () => {
  assert.deepEqual(workersNotReady(1, 2, false), ['1 of 2 workers serve yet']);
  assert.deepEqual(workersNotReady(2, 2, false), []);
  assert.deepEqual(workersNotReady(1, 2, true), []);
  assert.deepEqual(workersNotReady(0, 2, true), ['no worker serves']);
  assert.deepEqual(workersRemarks(1, 2), ['1 of 2 workers serve']);
  assert.deepEqual(workersRemarks(2, 2), []);
});
