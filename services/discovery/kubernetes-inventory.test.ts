import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InventoryFeed } from './inventory-feed.ts';
import { createKubernetesInventory } from './kubernetes-inventory.ts';
import type { SecretFact } from './secret-fact.ts';

/** A feed that keeps what would stand on the bus, and the order of the changes. */
function recordingFeed() {
  const entries = new Map<string, readonly string[]>();
  const markers = new Set<string>();
  const order: string[] = [];
  const feed: InventoryFeed = {
    entry: (namespace, secret, entry) => {
      const key = `${namespace}/${secret}`;
      order.push(`${entry === undefined ? '-' : '+'}${key}`);
      if (entry === undefined) entries.delete(key);
      else entries.set(key, entry.keys);
    },
    namespace: (namespace, marker) => {
      order.push(`${marker === undefined ? '-' : '+'}${namespace}`);
      if (marker === undefined) markers.delete(namespace);
      else markers.add(namespace);
    },
    complete: () => undefined,
  };
  return { feed, entries, markers, order };
}

const aFact = (namespace: string, name: string, keys: string[] = ['k']): SecretFact => ({
  namespace,
  name,
  keys,
  resourceVersion: '1',
});

test('only Secrets of selected namespaces are published, in whichever order they become known', () => {
  const { feed, entries, markers } = recordingFeed();
  const inventory = createKubernetesInventory('k8s', feed);
  inventory.secret('a', 'early', aFact('a', 'early'));
  inventory.secret('b', 'other', aFact('b', 'other'));
  inventory.select(new Set(['a']));
  inventory.secret('a', 'late', aFact('a', 'late'));
  assert.deepEqual([...entries.keys()], ['a/early', 'a/late']);
  assert.deepEqual([...markers], ['a']);
});

test('a namespace that is no longer selected loses its marker before its entries', () => {
  const { feed, entries, markers, order } = recordingFeed();
  const inventory = createKubernetesInventory('k8s', feed);
  inventory.secret('a', 's', aFact('a', 's'));
  inventory.select(new Set(['a']));
  inventory.select(new Set());
  assert.deepEqual([entries.size, markers.size], [0, 0]);
  assert.deepEqual(order.slice(-2), ['-a', '-a/s']);
});

test('a deleted Secret is removed once, an unknown one not at all', () => {
  const { feed, order } = recordingFeed();
  const inventory = createKubernetesInventory('k8s', feed);
  inventory.select(new Set(['a']));
  inventory.secret('a', 's', aFact('a', 's'));
  inventory.secret('a', 's', undefined);
  inventory.secret('a', 's', undefined);
  assert.deepEqual(order, ['+a', '+a/s', '-a/s']);
});
