import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions } from './version.ts';

test('a later publisher ranks higher whatever it has written, one publisher ranks by its writes', () => {
  const inOrder = [
    { epoch: 1, seq: 0 },
    { epoch: 1, seq: 9 },
    { epoch: 2, seq: 0 },
    { epoch: 2, seq: 1 },
  ];
  for (const [position, version] of inOrder.entries()) {
    for (const [other, otherVersion] of inOrder.entries()) {
      assert.equal(Math.sign(compareVersions(version, otherVersion)), Math.sign(position - other));
    }
  }
});
