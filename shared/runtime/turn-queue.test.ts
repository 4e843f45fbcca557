import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSliceMeter, recordsPerSlice, type SlicedWork, TurnQueue, workInTurns } from './turn-queue.ts';

/** Notes its name in each of its slices. */
function* noting(notes: string[], name: string, slices: number): SlicedWork {
  for (let slice = 1; slice <= slices; slice += 1) {
    notes.push(name);
    if (slice < slices) yield;
  }
}

test('work of one slice is done at once, longer work gives others a turn after each slice', async () => {
  const [queue, notes]: [TurnQueue, string[]] = [new TurnQueue(), []];
  assert.equal(queue.run(noting(notes, 'short', 1)), undefined);
  const done = queue.run(noting(notes, 'long', 3));
  assert.deepEqual(notes, ['short', 'long']);
  const other = async (): Promise<void> => {
    while (notes.length < 6) {
      await new Promise(setImmediate);
      notes.push('other');
    }
  };
  await Promise.all([done, other()]);
  assert.deepEqual(notes.slice(0, 6).filter((name) => name === 'long').length, 3);
  assert.doesNotMatch(notes.slice(1).join(' '), /long long/);
});

test('pieces of work do not mix, and one that fails leaves the next one alone', async () => {
  const [queue, notes]: [TurnQueue, string[]] = [new TurnQueue(), []];
  const failing = function* (): SlicedWork {
    yield;
    throw new Error('broken');
  };
  const first = queue.run(noting(notes, 'a', 2));
  const second = queue.run(failing());
  const third = queue.run(noting(notes, 'b', 2));
  await first;
  await assert.rejects(second ?? Promise.resolve(), /broken/);
  await third;
  assert.deepEqual(notes, ['a', 'a', 'b', 'b']);
  assert.equal(queue.run(noting(notes, 'c', 1)), undefined);
});

test('a queue that was ended leaves the rest undone', async () => {
  const [queue, notes]: [TurnQueue, string[]] = [new TurnQueue(), []];
  const done = queue.run(noting(notes, 'a', 3));
  queue.end();
  await done;
  queue.run(noting(notes, 'b', 1));
  assert.deepEqual(notes, ['a']);
});

test('a slice ends after so many records, or with one too many bytes', () => {
  const isFull = createSliceMeter();
  const calls = Array.from({ length: 2 * recordsPerSlice + 1 }, () => isFull(1));
  assert.deepEqual(
    calls.flatMap((full, index) => (full ? [index] : [])),
    [recordsPerSlice, 2 * recordsPerSlice],
  );
  assert.deepEqual([isFull(200_000), isFull(200_000), isFull(100)], [false, true, false]);
});

test('sliced work beside others ends with what it returns, or fails with what it throws', async () => {
  const notes: string[] = [];
  const counted = function* (): SlicedWork<number> {
    yield* noting(notes, 'slice', 3);
    return notes.length;
  };
  const work = workInTurns(counted());
  assert.deepEqual(notes, ['slice']);
  assert.equal(await work, 3);
  const failing = function* (): SlicedWork {
    yield;
    throw new Error('broken');
  };
  await assert.rejects(workInTurns(failing()), /broken/);
});
