import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordKey } from '#shared/contracts/bucket.ts';
import { defaultConfig } from '#test/default-config.ts';
import { k8sManager } from './managers/k8s.ts';
import { createRuleIndex, type RuleChange } from './rule-index.ts';

const recipeKey: RecordKey = { owner: 'k8s', kind: 'recipe' };
const recipe: RuleChange = { key: recipeKey, value: k8sManager.recipe(defaultConfig), traceparent: 'tr' };
const entry = (secret: string, items: unknown, namespace?: string): RuleChange => ({
  key: { owner: 'k8s', kind: 'entry', namespace, secret },
  value: items === undefined ? undefined : { schema: 1, items },
  traceparent: `t-${secret}`,
});

test('entries are found by lookup key in their namespace, with the trace that brought them', () => {
  const index = createRuleIndex();
  index.apply('k8s', [
    recipe,
    entry('db', { 'db/a': {}, 'db/b': { x: '1' } }, 'ns'),
    entry('all', { w: {} }),
  ]);
  assert.deepEqual(index.item('k8s', 'ns', 'db/b')?.variables, { x: '1' });
  assert.equal(index.item('k8s', 'ns', 'db/b')?.traceparent, 't-db');
  assert.equal(index.item('k8s', 'other', 'db/b'), undefined);
  assert.notEqual(index.item('k8s', 'other', 'w'), undefined);
  assert.deepEqual([...index.lookupKeys('k8s', 'ns')], ['db/a', 'db/b']);
});

test('a changed entry loses the keys that it no longer has, a deleted one all', () => {
  const index = createRuleIndex();
  index.apply('k8s', [entry('db', { 'db/a': {}, 'db/b': {} }, 'ns')]);
  index.apply('k8s', [entry('db', { 'db/b': {} }, 'ns')]);
  assert.deepEqual([...index.lookupKeys('k8s', 'ns')], ['db/b']);
  index.apply('k8s', [entry('db', undefined, 'ns')]);
  assert.deepEqual([...index.lookupKeys('k8s', 'ns')], []);
});

test('a bad record is a fault with its key, and what it would replace stays in force', () => {
  const index = createRuleIndex();
  index.apply('k8s', [recipe, entry('db', { 'db/a': {} }, 'ns')]);
  const before = index.recipe('k8s');
  const faults = index.apply('k8s', [
    { key: recipeKey, value: { schema: 9 } },
    { key: { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'db' }, value: { schema: 1, items: 5 } },
    { key: { owner: 'k8s', kind: 'namespace', namespace: 'n' }, value: null },
    entry('fresh', { 'fresh/k': {} }, 'ns'),
  ]);
  assert.deepEqual(
    faults.map(({ code, fields }) => [code, fields.key]),
    [
      ['RECIPE_INVALID', 'k8s.recipe'],
      ['RECORD_INVALID', 'k8s.entry.ns.db'],
      ['RECORD_INVALID', 'k8s.namespace.n'],
    ],
  );
  assert.equal(index.recipe('k8s'), before);
  assert.notEqual(index.item('k8s', 'ns', 'db/a'), undefined);
  assert.notEqual(index.item('k8s', 'ns', 'fresh/k'), undefined);
});

test('namespaces are known by their markers', () => {
  const index = createRuleIndex();
  const key: RecordKey = { owner: 'k8s', kind: 'namespace', namespace: 'ns' };
  index.apply('k8s', [{ key, value: { schema: 1, namespace: 'ns' } }]);
  assert.equal(index.knowsNamespace('k8s', 'ns'), true);
  assert.equal(index.knowsNamespace('k8s', 'other'), false);
  index.apply('k8s', [{ key, value: undefined }]);
  assert.equal(index.knowsNamespace('k8s', 'ns'), false);
});
