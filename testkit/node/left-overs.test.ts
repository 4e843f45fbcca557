import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterPrefix, ownerOf } from './left-overs.ts';

test('a name tells which process owns it', () => {
  assert.equal(ownerOf(`${clusterPrefix()}abc-node1`), process.pid);
});

test('what is not of a cluster has no owner', () => {
  for (const name of ['latchkey-node-', 'latchkey-cluster-12-a', 'kubepods'])
    assert.equal(ownerOf(name), undefined);
});
