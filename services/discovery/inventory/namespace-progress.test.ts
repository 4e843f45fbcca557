import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamespaceProgress } from './namespace-progress.ts';

test('a source is complete when every selected namespace is known, not before a selection', () => {
  const progress = new NamespaceProgress();
  progress.note('team-a');
  assert.equal(progress.isComplete(), false);
  assert.equal(progress.has('team-a'), false);
  progress.select(new Set(['team-a', 'team-b']));
  assert.equal(progress.isComplete(), false);
  assert.deepEqual([progress.has('team-a'), progress.has('team-b')], [true, false]);
  progress.note('team-b');
  assert.equal(progress.isComplete(), true);
});

test('one list of all namespaces makes each of them known', () => {
  const progress = new NamespaceProgress();
  progress.select(new Set(['team-a']));
  progress.note(undefined);
  progress.select(new Set(['team-a', 'team-b']));
  assert.equal(progress.isComplete(), true);
  assert.deepEqual([progress.has('team-a'), progress.has('team-c')], [true, false]);
});

test('a wait that is over completes the source, and makes no namespace known', () => {
  const progress = new NamespaceProgress();
  progress.endWait();
  assert.equal(progress.isComplete(), false);
  progress.select(new Set(['team-a']));
  assert.equal(progress.isComplete(), true);
  assert.equal(progress.has('team-a'), false);
});

test('a namespace that is forgotten is news again', () => {
  const progress = new NamespaceProgress();
  assert.deepEqual(
    ['team-a', 'team-a', 'team-b'].map((namespace) => progress.note(namespace)),
    [true, false, true],
  );
  progress.select(new Set(['team-b']));
  assert.deepEqual(progress.forgetUnselected(['team-a', 'team-b', 'team-c']), ['team-a']);
  assert.deepEqual([progress.note('team-a'), progress.note('team-b')], [true, false]);
});

test('input 66: one namespace of a thousand that comes or goes has the others not looked at', () => {
  let looks = 0;
  /** Counts each look at a namespace. */
  class CountedSet extends Set<string> {
    override has(namespace: string): boolean {
      looks += 1;
      return super.has(namespace);
    }
    override [Symbol.iterator](): SetIterator<string> {
      looks += this.size;
      return super[Symbol.iterator]();
    }
  }
  const selected = new CountedSet(Array.from({ length: 1_000 }, (_, index) => `team-${index}`));
  const progress = new NamespaceProgress();
  progress.select(selected);
  for (const namespace of selected) progress.note(namespace);
  looks = 0;
  for (let round = 0; round < 100; round += 1) {
    selected.add('new');
    progress.select(selected, ['new']);
    assert.equal(progress.isComplete(), false);
    progress.note('new');
    assert.equal(progress.isComplete(), true);
    selected.delete('new');
    progress.select(selected, ['new']);
    assert.deepEqual(progress.forgetUnselected(['new']), ['new']);
  }
  assert.equal(looks, 100 * 3);
});
