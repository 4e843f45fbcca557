import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareRank } from './rank.ts';

test('a later publisher ranks higher whatever it has written, one publisher ranks by its writes', () => {
  const inOrder = [
    { epoch: 1, seq: 0 },
    { epoch: 1, seq: 9 },
    { epoch: 2, seq: 0 },
    { epoch: 2, seq: 1 },
  ];
  for (const [position, rank] of inOrder.entries()) {
    for (const [other, otherRank] of inOrder.entries()) {
      assert.equal(Math.sign(compareRank(rank, otherRank)), Math.sign(position - other));
    }
  }
});
