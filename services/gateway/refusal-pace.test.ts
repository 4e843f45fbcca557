import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRefusalPace } from './refusal-pace.ts';

/** Ten refusals a second are one a tick. */
function harness(limits = { perSecond: 10, holdMs: 1_000 }) {
  let nowMs = 0;
  let tick = (): void => undefined;
  const clock = {
    monotonicMs: () => nowMs,
    every: (_ms: number, task: () => void) => {
      tick = task;
      return () => undefined;
    },
  };
  const answered: number[] = [];
  const pace = createRefusalPace(clock, limits);
  return {
    answered,
    refuse: (number: number) => pace.refuse(() => answered.push(number)),
    pass: (ticks: number) => {
      for (let count = 0; count < ticks; count += 1) {
        nowMs += 100;
        tick();
      }
    },
  };
}

test('few refusals are given at once', () => {
  const { answered, refuse, pass } = harness();
  refuse(1);
  pass(1);
  refuse(2);
  assert.deepEqual(answered, [1, 2]);
});

test('many are given one after the other, in their order', () => {
  const { answered, refuse, pass } = harness();
  for (const number of [1, 2, 3, 4]) refuse(number);
  assert.deepEqual(answered, [1]);
  pass(2);
  assert.deepEqual(answered, [1, 2, 3]);
  refuse(5);
  assert.deepEqual(answered, [1, 2, 3]);
  pass(3);
  assert.deepEqual(answered, [1, 2, 3, 4, 5]);
});

test('none is held for longer than the limit, however many they are', () => {
  const { answered, refuse, pass } = harness();
  const numbers = Array.from({ length: 100 }, (_, index) => index);
  for (const number of numbers) refuse(number);
  pass(9);
  assert.equal(answered.length, 10);
  pass(1);
  assert.deepEqual(answered, numbers);
});
