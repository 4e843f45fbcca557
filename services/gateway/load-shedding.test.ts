import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurnMeter, isOverloaded, loadLimits } from './load-shedding.ts';

test('a gateway is overloaded when one of its limits is exceeded, not when it is reached', () => {
  assert.equal(isOverloaded(loadLimits, loadLimits), false);
  for (const limit of ['turnMs', 'lagMs', 'heldBytes'] as const)
    assert.equal(isOverloaded({ ...loadLimits, [limit]: loadLimits[limit] + 1 }, loadLimits), true, limit);
});

test('a turn is as long as the time since its first request, until all that was ready has been handled', () => {
  let nowMs = 100;
  let endTurn = (): void => assert.fail('no turn has begun');
  const turnMs = createTurnMeter(
    () => nowMs,
    (end) => {
      endTurn = end;
    },
  );
  assert.equal(turnMs(), 0);
  nowMs = 130;
  assert.equal(turnMs(), 30);
  endTurn();
  nowMs = 500;
  assert.equal(turnMs(), 0);
});
