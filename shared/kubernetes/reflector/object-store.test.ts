import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';
import { type Change, createObjectStore, type ListSnapshot, type ObjectStore } from './object-store.ts';

/** The label `key` is the key; an object without it is not of interest. */
const holding = (): ObjectStore<string> =>
  createObjectStore(({ metadata }) =>
    metadata.labels?.key === undefined
      ? undefined
      : { key: metadata.labels.key, value: metadata.resourceVersion ?? '' },
  );
const anObject = (name: string, resourceVersion: string, key?: string): KubernetesObject => ({
  metadata: { name, namespace: 'n', resourceVersion, ...(key === undefined ? {} : { labels: { key } }) },
});
const listed = (store: ObjectStore<string>, objects: KubernetesObject[]): Change<string>[] => {
  const snapshot: ListSnapshot<string> = new Map();
  for (const object of objects) store.collect(snapshot, object);
  return store.replaceAll(snapshot, '9');
};

test('a list reports only what differs, deletions first', () => {
  const store = holding();
  listed(store, [anObject('a', '1', 'a'), anObject('b', '1', 'b'), anObject('c', '1', 'c')]);
  assert.deepEqual(
    listed(store, [anObject('b', '2', 'b'), anObject('c', '1', 'c'), anObject('d', '3', 'a')]),
    [
      { type: 'delete', key: 'a', previous: '1', resourceVersion: '9' },
      { type: 'set', key: 'b', value: '2', previous: '1' },
      { type: 'set', key: 'a', value: '3', previous: undefined },
    ],
  );
});

test('an object that is no longer of interest, or has another key, is let go', () => {
  const store = holding();
  store.set(anObject('a', '1', 'one'));
  assert.deepEqual(store.set(anObject('a', '2', 'two')), [
    { type: 'delete', key: 'one', previous: '1', resourceVersion: '2' },
    { type: 'set', key: 'two', value: '2', previous: undefined },
  ]);
  assert.deepEqual(store.set(anObject('a', '3')), [
    { type: 'delete', key: 'two', previous: '2', resourceVersion: '3' },
  ]);
  assert.deepEqual(store.remove(anObject('a', '4')), []);
});

test('whoever replays the changes holds the same items', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.record({
    kind: fc.constantFrom('set', 'remove', 'list'),
    names: fc.uniqueArray(name, { minLength: 1 }),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const store = holding();
      const replayed = new Map<string, string>();
      steps.forEach(({ kind, names }, version) => {
        const objects = names.map((each) => anObject(each, String(version), each));
        const act = kind === 'set' ? store.set : store.remove;
        for (const change of kind === 'list' ? listed(store, objects) : objects.flatMap(act)) {
          if (change.type === 'set') replayed.set(change.key, change.value);
          else replayed.delete(change.key);
        }
        assert.deepEqual(replayed, store.items);
      });
    }),
  );
});
