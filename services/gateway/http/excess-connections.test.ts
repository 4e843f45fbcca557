import assert from 'node:assert/strict';
import { test } from 'node:test';
import { excessConnections } from './excess-connections.ts';

test('nobody ends while what waits is within the limit', () => {
  assert.deepEqual(excessConnections([], 10), []);
  assert.deepEqual(
    excessConnections(
      [
        ['a', 4],
        ['b', 6],
      ],
      10,
    ),
    [],
  );
});

test('of too much, whoever is due longest ends, with all answers of his, and the others stay', () => {
  const due = [
    ['a', 0],
    ['b', 10],
    ['b', 10],
    ['b', 10],
    ['c', 5],
  ] as const;
  assert.deepEqual(excessConnections(due, 20), ['b']);
  assert.deepEqual(excessConnections(due, 4), ['b', 'c']);
});
