import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeAddressOf, podRangeOf } from './node-addresses.ts';
import { firstNodeNetwork, otherNodeNetwork } from './node-network.ts';

test('every node has a route to the pods of every other one, and none to its own', () => {
  const scripts = [firstNodeNetwork(3), otherNodeNetwork(2, 3), otherNodeNetwork(3, 3)];
  for (const [index, script] of scripts.entries()) {
    for (const position of [1, 2, 3]) {
      const route = `ip route add ${podRangeOf(position)} via ${nodeAddressOf(position)}`;
      assert.equal(
        script.includes(route),
        position !== index + 1,
        `${position} in the script of ${index + 1}`,
      );
    }
  }
});

test('the first node connects the others to its bridge', () => {
  assert.match(firstNodeNetwork(2), /ip link set node2 master node0/);
  assert.doesNotMatch(firstNodeNetwork(1), /node2/);
});
