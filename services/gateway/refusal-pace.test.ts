import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRefusalPace } from './refusal-pace.ts';

function harness() {
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
  const pace = createRefusalPace(clock, { atOnce: 2, holdMs: 1_000, mostHeld: 100 });
  return {
    answered,
    decide: pace.decided,
    stop: pace.stop,
    refuse: (...numbers: number[]) => {
      for (const number of numbers) pace.refuse(() => answered.push(number));
    },
    pass: (ms: number) => {
      nowMs += ms;
      tick();
    },
  };
}

test('a few refusals are given at once, and as many again as there were decisions', () => {
  const { answered, decide, refuse } = harness();
  refuse(1, 2);
  decide();
  refuse(3);
  assert.deepEqual(answered, [1, 2, 3]);
});

test('more are given in their order, one for each decision', () => {
  const { answered, decide, refuse, pass } = harness();
  refuse(1, 2, 3, 4, 5, 6);
  pass(50);
  assert.deepEqual(answered, [1, 2]);
  decide();
  pass(50);
  assert.deepEqual(answered, [1, 2, 3]);
  decide();
  refuse(7);
  pass(50);
  assert.deepEqual(answered, [1, 2, 3, 4]);
});

test('none is held for longer than the limit, however many they are', () => {
  const { answered, refuse, pass } = harness();
  const numbers = Array.from({ length: 100 }, (_, index) => index);
  refuse(...numbers);
  pass(950);
  assert.equal(answered.length, 2);
  pass(50);
  assert.deepEqual(answered, numbers);
});

test('no more than so many are held, the next ones are given at once', () => {
  const { answered, refuse } = harness();
  refuse(...Array.from({ length: 104 }, (_, index) => index));
  assert.deepEqual(answered, [0, 1, 102, 103]);
});

test('a stop gives what is held, and what comes later at once', () => {
  const { answered, refuse, stop } = harness();
  refuse(1, 2, 3, 4);
  stop();
  assert.deepEqual(answered, [1, 2, 3, 4]);
  refuse(5);
  assert.deepEqual(answered, [1, 2, 3, 4, 5]);
});
