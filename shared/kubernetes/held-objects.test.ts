import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Change, createHeldObjects, type HeldObjects, type Listing } from './held-objects.ts';
import type { KubernetesObject } from './kubernetes-object.ts';

/** The label `key` is the key; an object without it is not of interest. */
const holding = (): HeldObjects<string> =>
  createHeldObjects(({ metadata }) =>
    metadata.labels?.key === undefined
      ? undefined
      : { key: metadata.labels.key, value: metadata.resourceVersion ?? '' },
  );
const anObject = (name: string, resourceVersion: string, key?: string): KubernetesObject => ({
  metadata: { name, namespace: 'n', resourceVersion, ...(key === undefined ? {} : { labels: { key } }) },
});
const listed = (held: HeldObjects<string>, objects: KubernetesObject[]): Change<string>[] => {
  const listing: Listing<string> = new Map();
  for (const object of objects) held.collect(listing, object);
  return held.replaceAll(listing, '9');
};

test('a list reports only what differs, deletions first', () => {
  const held = holding();
  listed(held, [anObject('a', '1', 'a'), anObject('b', '1', 'b'), anObject('c', '1', 'c')]);
  assert.deepEqual(
    listed(held, [anObject('b', '2', 'b'), anObject('c', '1', 'c'), anObject('d', '3', 'a')]),
    [
      { type: 'delete', key: 'a', previous: '1', resourceVersion: '9' },
      { type: 'set', key: 'b', value: '2', previous: '1' },
      { type: 'set', key: 'a', value: '3', previous: undefined },
    ],
  );
});

test('an object that is no longer of interest, or has another key, is let go', () => {
  const held = holding();
  held.set(anObject('a', '1', 'one'));
  assert.deepEqual(held.set(anObject('a', '2', 'two')), [
    { type: 'delete', key: 'one', previous: '1', resourceVersion: '2' },
    { type: 'set', key: 'two', value: '2', previous: undefined },
  ]);
  assert.deepEqual(held.set(anObject('a', '3')), [
    { type: 'delete', key: 'two', previous: '2', resourceVersion: '3' },
  ]);
  assert.deepEqual(held.remove(anObject('a', '4')), []);
});

test('whoever replays the changes holds the same items', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const step = fc.record({
    kind: fc.constantFrom('set', 'remove', 'list'),
    names: fc.uniqueArray(name, { minLength: 1 }),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const held = holding();
      const replayed = new Map<string, string>();
      steps.forEach(({ kind, names }, version) => {
        const objects = names.map((each) => anObject(each, String(version), each));
        const act = kind === 'set' ? held.set : held.remove;
        for (const change of kind === 'list' ? listed(held, objects) : objects.flatMap(act)) {
          if (change.type === 'set') replayed.set(change.key, change.value);
          else replayed.delete(change.key);
        }
        assert.deepEqual(replayed, held.items);
      });
    }),
  );
});
