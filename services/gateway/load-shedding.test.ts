import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurnMeter, isOverloaded, loadLimits } from './load-shedding.ts';

test('a gateway is overloaded when one of its limits is exceeded, not when it is reached', () => {
  assert.equal(isOverloaded(loadLimits, loadLimits), false);
  for (const limit of ['turnMs', 'lagMs', 'heldBytes'] as const)
    assert.equal(isOverloaded({ ...loadLimits, [limit]: loadLimits[limit] + 1 }, loadLimits), true, limit);
});

test('a long turn with few requests is no overload: the process only stood still', () => {
  const load = { turnMs: 10_000, turnRequests: loadLimits.turnRequests - 1, lagMs: 0, heldBytes: 0 };
  assert.equal(isOverloaded(load, loadLimits), false);
});

test('a turn begins with its first request and ends when all that was ready has been handled', () => {
  let nowMs = 100;
  let endTurn = (): void => assert.fail('no turn has begun');
  const turn = createTurnMeter(
    () => nowMs,
    (end) => {
      endTurn = end;
    },
  );
  assert.equal(turn.turnMs(), 0);
  turn.take();
  nowMs = 130;
  assert.deepEqual([turn.turnMs(), turn.turnRequests()], [30, 1]);
  endTurn();
  nowMs = 500;
  assert.deepEqual([turn.turnMs(), turn.turnRequests()], [0, 0]);
});
