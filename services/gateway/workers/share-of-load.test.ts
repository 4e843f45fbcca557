import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyLimitBytes } from '../http/body-reader.ts';
import { loadLimits } from '../http/load.ts';
import { defaultLimits } from '../http/webhook-server.ts';
import { shareOfConnections, shareOfLoad } from './share-of-load.ts';

test('workers share the connections and bodies of the pod', () => {
  assert.deepEqual(shareOfConnections(defaultLimits, 2), {
    handshakes: 3_072,
    established: 3_072,
    all: 6_656,
    unreadBytes: 32 * 1_024 * 1_024,
  });
  assert.deepEqual(shareOfLoad(loadLimits, 2), { ...loadLimits, heldBytes: loadLimits.heldBytes / 2 });
});

test('however many they are, each can hold two of the longest bodies', () => {
  assert.equal(shareOfLoad(loadLimits, 64).heldBytes, 2 * bodyLimitBytes);
});
