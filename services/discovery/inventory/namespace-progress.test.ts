import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NamespaceProgress } from './namespace-progress.ts';

test('a source is complete when every selected namespace is known, not before a selection', () => {
  const progress = new NamespaceProgress();
  progress.note('team-a');
  assert.equal(progress.isComplete(), false);
  assert.equal(progress.known(), undefined);
  progress.select(new Set(['team-a', 'team-b']));
  assert.equal(progress.isComplete(), false);
  assert.deepEqual(progress.known(), new Set(['team-a']));
  progress.note('team-b');
  assert.equal(progress.isComplete(), true);
});

test('one list of all namespaces makes each of them known', () => {
  const progress = new NamespaceProgress();
  progress.select(new Set(['team-a']));
  progress.note(undefined);
  progress.select(new Set(['team-a', 'team-b']));
  assert.equal(progress.isComplete(), true);
  assert.deepEqual(progress.known(), new Set(['team-a', 'team-b']));
});

test('a wait that is over completes the source, and makes no namespace known', () => {
  const progress = new NamespaceProgress();
  progress.endWait();
  assert.equal(progress.isComplete(), false);
  progress.select(new Set(['team-a']));
  assert.equal(progress.isComplete(), true);
  assert.deepEqual(progress.known(), new Set());
});

test('a namespace that is forgotten is news again', () => {
  const progress = new NamespaceProgress();
  assert.deepEqual(
    ['team-a', 'team-a', 'team-b'].map((namespace) => progress.note(namespace)),
    [true, false, true],
  );
  progress.select(new Set(['team-b']));
  assert.deepEqual(progress.forgetUnselected(), ['team-a']);
  assert.deepEqual([progress.note('team-a'), progress.note('team-b')], [true, false]);
});
