import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecisionQueue } from './decision-queue.ts';

/** A queue whose decisions take a time each, and an event loop that takes its turns when told. */
function harness(decisionMs: number) {
  let nowMs = 0;
  const turns: (() => void)[] = [];
  const decided: number[] = [];
  const queue = createDecisionQueue(
    () => nowMs,
    (turn) => turns.push(turn),
  );
  return {
    queue,
    decided,
    turns,
    add: (...numbers: number[]) => {
      for (const number of numbers) {
        queue.add(() => {
          decided.push(number);
          nowMs += decisionMs;
        });
      }
    },
    /** Everything else takes so long, then comes a turn; gives how many decisions it had. */
    turnAfter: (ms: number): number => {
      const before = decided.length;
      nowMs += ms;
      turns.shift()?.();
      return decided.length - before;
    },
  };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

test('a decision waits for what is ready to be read, and then is made', () => {
  const { add, decided, turnAfter, turns } = harness(1);
  add(1, 2);
  assert.deepEqual(decided, []);
  turnAfter(0);
  assert.deepEqual(decided, [1, 2]);
  assert.equal(turns.length, 0);
});

test('decisions get twice the time of everything else, in the order in which they came', () => {
  const { add, decided, turnAfter } = harness(5);
  add(...upTo(500));
  assert.equal(turnAfter(100), 40);
  assert.equal(turnAfter(30), 12);
  assert.deepEqual(decided, upTo(52));
});

test('a slice has a least and a greatest length, and at least one decision', () => {
  assert.equal(fill(5).turnAfter(0), 2);
  assert.equal(fill(5).turnAfter(60_000), 200);
  assert.equal(fill(3_000).turnAfter(0), 1);
});

function fill(decisionMs: number) {
  const filled = harness(decisionMs);
  filled.add(...upTo(1_000));
  return filled;
}

test('what waits is counted, and timed by the first', () => {
  const { add, queue, turnAfter } = harness(10);
  assert.deepEqual([queue.count(), queue.waitMs()], [0, 0]);
  add(1, 2, 3);
  turnAfter(0);
  assert.deepEqual([queue.count(), queue.waitMs()], [2, 10]);
  const waits: number[] = [];
  queue.add((waitedMs) => waits.push(waitedMs));
  turnAfter(20);
  assert.deepEqual([queue.count(), queue.waitMs()], [0, 0]);
  assert.deepEqual(waits, [40]);
});

test('one that throws does not stop those after it', () => {
  const { add, decided, queue, turnAfter } = harness(1);
  queue.add(() => {
    throw new Error('a fault');
  });
  add(1, 2);
  assert.throws(() => turnAfter(0), { message: 'a fault' });
  turnAfter(0);
  add(3);
  turnAfter(0);
  assert.deepEqual(decided, [1, 2, 3]);
});

test('a decision that is asked for while another is made is made as well', () => {
  const { queue, turnAfter, turns } = harness(0);
  const made: string[] = [];
  queue.add(() => {
    made.push('first');
    queue.add(() => made.push('second'));
  });
  turnAfter(0);
  turnAfter(0);
  assert.deepEqual(made, ['first', 'second']);
  assert.equal(turns.length, 0);
});
