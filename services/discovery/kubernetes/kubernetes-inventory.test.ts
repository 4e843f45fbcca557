import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InventoryFeed } from '../inventory/inventory-feed.ts';
import { createKubernetesInventory } from './kubernetes-inventory.ts';
import type { SecretFact } from './secret-fact.ts';

/** A feed that keeps what would stand on the bus, and the order of the changes. */
function recordingFeed() {
  const entries = new Map<string, readonly string[]>();
  const markers = new Set<string>();
  const partial = new Set<string>();
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
      if (marker?.partial === true) partial.add(namespace);
      else partial.delete(namespace);
    },
    complete: () => undefined,
  };
  return { feed, entries, markers, partial, order };
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
  inventory.select('a', true);
  inventory.secret('a', 'late', aFact('a', 'late'));
  assert.deepEqual([...entries.keys()], ['a/early', 'a/late']);
  assert.deepEqual([...markers], ['a']);
});

test('a namespace that is no longer selected loses its marker before its entries', () => {
  const { feed, entries, markers, order } = recordingFeed();
  const inventory = createKubernetesInventory('k8s', feed);
  inventory.secret('a', 's', aFact('a', 's'));
  inventory.select('a', true);
  inventory.select('a', false);
  assert.deepEqual([entries.size, markers.size], [0, 0]);
  assert.deepEqual(order.slice(-2), ['-a', '-a/s']);
});

test('a deleted Secret is removed once, an unknown one not at all', () => {
  const { feed, order } = recordingFeed();
  const inventory = createKubernetesInventory('k8s', feed);
  inventory.select('a', true);
  inventory.secret('a', 's', aFact('a', 's'));
  inventory.secret('a', 's', undefined);
  inventory.secret('a', 's', undefined);
  assert.deepEqual(order, ['+a', '+a/s', '+a', '-a/s', '+a']);
});

test('a Secret that is left out is named once, counted, and its namespace is partial while there is no room', () => {
  const { feed, entries, partial } = recordingFeed();
  const named: string[] = [];
  const inventory = createKubernetesInventory('k8s', feed, ({ name }) => named.push(name));
  inventory.select('a', true);
  const big: SecretFact = { ...aFact('a', 'big', []), leftOut: 'keys' };
  const late: SecretFact = { ...aFact('a', 'late', []), leftOut: 'namespace' };
  for (const fact of [big, late, big, late]) inventory.secret('a', fact.name, fact);
  inventory.secret('b', 'x', { ...aFact('b', 'x', []), leftOut: 'keys' });
  assert.deepEqual(named, ['big', 'late']);
  assert.deepEqual(inventory.leftOut(), { keys: 1, namespace: 1 });
  assert.deepEqual([[...entries.keys()], [...partial]], [['a/big'], ['a']]);
  inventory.secret('a', 'late', aFact('a', 'late'));
  inventory.secret('a', 'big', undefined);
  assert.deepEqual(inventory.leftOut(), { keys: 0, namespace: 0 });
  assert.deepEqual([[...entries.keys()], [...partial]], [['a/late'], []]);
});
