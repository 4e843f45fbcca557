import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createNamespaceQueue } from './namespace-queue.ts';

/** A queue that writes down what it works on. */
function aQueue() {
  const worked: string[] = [];
  const reconcile = async (namespace: string) => void worked.push(namespace);
  return { worked, queue: createNamespaceQueue(reconcile, { sleep: () => new Promise(() => undefined) }) };
}

test('input 66: a thousand namespaces that wait let the process do something else after each', async () => {
  const { worked, queue } = aQueue();
  for (let index = 0; index < 1_000; index += 1) queue.add(`team-${index}`);
  assert.equal(worked.length, 1);
  for (let turns = 1; worked.length < 1_000; turns += 1) {
    await nextTurn();
    assert.ok(worked.length <= turns + 1, `${worked.length} after ${turns} turns`);
  }
});

test('a namespace that is added while it waits is worked on once, one that is added afterwards again', async () => {
  const { worked, queue } = aQueue();
  for (const namespace of ['a', 'b', 'b', 'a']) queue.add(namespace);
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  assert.deepEqual(worked, ['a', 'b', 'a']);
  queue.stop();
  queue.add('c');
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
  assert.deepEqual(worked, ['a', 'b', 'a']);
});
