import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GoneNames, goneMs } from './gone-names.ts';

test('a name that went is remembered until its tombstone is gone, or it comes again', () => {
  let nowMs = 0;
  const gone = new GoneNames({ monotonicMs: () => nowMs });
  gone.note(['a', 'b', 'c'], new Set(['c']));
  assert.deepEqual([...gone.names()], ['a', 'b']);
  nowMs = 1_000;
  gone.note(['c'], new Set(['a']));
  assert.deepEqual([...gone.names()], ['b', 'c']);
  nowMs = goneMs;
  assert.deepEqual([...gone.names()], ['c']);
  nowMs += 1_000;
  assert.deepEqual([...gone.names()], []);
});
