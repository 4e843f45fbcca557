import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamespaceSelection } from './namespace-selection.ts';

/** A selection, and what was told of it: all, and what changed. */
function aSelection() {
  const told: [string[], string[]][] = [];
  const selection = new NamespaceSelection((selected, changed = []) =>
    told.push([[...selected], [...changed]]),
  );
  const set = (key: string) => selection.take({ type: 'set', key });
  const remove = (key: string) => selection.take({ type: 'delete', key });
  return { told, selection, set, remove };
}

test('nothing is told before all namespaces are listed, also when there is none', () => {
  const { told, selection, set } = aSelection();
  for (const namespace of ['a', 'b']) set(namespace);
  assert.deepEqual(told, []);
  selection.listed();
  assert.deepEqual(told, [
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  ]);
  const empty = aSelection();
  empty.selection.listed();
  assert.deepEqual(empty.told, [[[], []]]);
});

test('a namespace that comes or goes is told alone', () => {
  const { told, selection, set, remove } = aSelection();
  set('a');
  selection.listed();
  set('b');
  remove('a');
  assert.deepEqual(told.slice(1), [
    [['a', 'b'], ['b']],
    [['b'], ['a']],
  ]);
});

test('a tenant who annotates a namespace a thousand times is not heard of', () => {
  const { told, selection, set, remove } = aSelection();
  set('a');
  selection.listed();
  for (let round = 0; round < 1_000; round += 1) {
    set('a');
    remove('other');
  }
  selection.listed();
  assert.equal(told.length, 1);
});
