import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GoneKeys, goneMs } from './gone-keys.ts';

test('a key that went is remembered until its tombstone is gone', () => {
  let nowMs = 0;
  const forgotten: string[] = [];
  const gone = new GoneKeys({ monotonicMs: () => nowMs }, (key) => forgotten.push(key));
  gone.note('a');
  nowMs = 1000;
  gone.note('b');
  assert.deepEqual([...gone.keys()], ['a', 'b']);
  nowMs = goneMs;
  assert.deepEqual([...gone.keys()], ['b']);
  assert.equal(gone.has('a'), false);
  assert.deepEqual(forgotten, ['a']);
});

test('a key that goes again is remembered from then on, and one that is back is forgotten', () => {
  let nowMs = 0;
  const gone = new GoneKeys({ monotonicMs: () => nowMs });
  gone.note('a');
  gone.note('b');
  nowMs = goneMs - 1;
  gone.note('a');
  gone.forget('b');
  nowMs = goneMs;
  assert.deepEqual([...gone.keys()], ['a']);
});
