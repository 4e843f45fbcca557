import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOverloaded, loadLimits } from './load.ts';

const { waitMs, waiting, heldBytes } = loadLimits;

test('a gateway is overloaded when a limit is exceeded, not when it is reached', () => {
  assert.equal(isOverloaded(loadLimits, loadLimits), false);
  const longQueue = { waitMs: waitMs + 1, waiting: waiting + 1, heldBytes: 0 };
  assert.equal(isOverloaded(longQueue, loadLimits), true);
  assert.equal(isOverloaded({ waitMs: 0, waiting: 0, heldBytes: heldBytes + 1 }, loadLimits), true);
});

test('a few that wait long are no overload, for the process only stood still; many that do not are none either', () => {
  assert.equal(isOverloaded({ waitMs: 10_000, waiting, heldBytes: 0 }, loadLimits), false);
  assert.equal(isOverloaded({ waitMs, waiting: 10_000, heldBytes: 0 }, loadLimits), false);
});
