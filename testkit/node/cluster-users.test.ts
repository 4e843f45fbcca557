import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterUsers, tokenFileText } from './cluster-users.ts';

test('each node has a user of its own, in the group that the node authorizer knows', () => {
  const nodes = clusterUsers(2).filter(({ groups }) => groups.includes('system:nodes'));
  assert.deepEqual(
    nodes.map(({ name }) => name),
    ['system:node:node1', 'system:node:node2'],
  );
});

test('the token file has a line for each user, and no token twice', () => {
  const users = clusterUsers(1);
  assert.equal(tokenFileText(users).trimEnd().split('\n').length, users.length);
  assert.equal(new Set(users.map(({ token }) => token)).size, users.length);
});
