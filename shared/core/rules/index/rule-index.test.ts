import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RecordKey } from '#shared/contracts/bus/bucket.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
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

test('one key more or less in a large Secret costs work for one key', () => {
  const index = createRuleIndex();
  const items: Record<string, unknown> = {};
  for (let number = 0; number < 62_000; number += 1) items[`big/${number}`] = {};
  index.apply('k8s', [entry('big', items, 'ns'), entry('small', { 'small/k': {} }, 'ns')]);
  const before = index.changedItems('k8s');
  const { 'big/7': _, ...fewer } = items;
  index.apply('k8s', [entry('big', { ...fewer, 'big/new': {} }, 'ns')]);
  assert.equal(index.changedItems('k8s') - before, 2);
  assert.equal(index.item('k8s', 'ns', 'big/7'), undefined);
  assert.notEqual(index.item('k8s', 'ns', 'big/new'), undefined);
  assert.notEqual(index.item('k8s', 'ns', 'small/k'), undefined);
});

test('any row of changes leaves what the last ones say, as if nothing had been there before', () => {
  const names = fc.constantFrom('a/x', 'a/y', 'b/x', '__proto__', 'constructor');
  const variables = fc.constantFrom({}, { v: '1' }, { v: '2' }, { value: '1' });
  const change = fc.record({
    secret: fc.constantFrom('a', 'b'),
    items: fc.option(fc.dictionary(names, variables, { noNullPrototype: true }), { nil: undefined }),
    leftOut: fc.option(fc.constantFrom('a/', 'b/'), { nil: undefined }),
  });
  const bodyOf = ({ items, leftOut }: { items?: unknown; leftOut?: string | undefined }): unknown =>
    items === undefined ? undefined : JSON.parse(JSON.stringify({ schema: 1, items, leftOut }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const [stepwise, prepared] = [createRuleIndex(), createRuleIndex()];
      const last = new Map<string, RuleChange>();
      for (const given of changes) {
        // Two records never name the same lookup key: it begins with the name of the Secret.
        const items =
          given.items &&
          Object.fromEntries(
            Object.entries(given.items).map(([key, value]) => [`${given.secret}:${key}`, value]),
          );
        const one = { ...entry(given.secret, {}, 'ns'), value: bodyOf({ ...given, items }) };
        stepwise.apply('k8s', [one]);
        prepare(prepared, [one])();
        last.set(given.secret, one);
      }
      const atOnce = createRuleIndex();
      atOnce.apply('k8s', last.values());
      const held = (index: ReturnType<typeof createRuleIndex>) => ({
        items: [...index.lookupKeys('k8s', 'ns')].sort().map((key) => [key, index.item('k8s', 'ns', key)]),
        leftOut: ['a/k', 'b/k'].map((key) => index.leftOut('k8s', 'ns', key)),
      });
      assert.deepEqual(held(stepwise), held(atOnce));
      assert.deepEqual(held(prepared), held(atOnce));
    }),
    propertyRuns,
  );
});

/** Prepares changes to the end; returns what puts them in force. */
function prepare(index: ReturnType<typeof createRuleIndex>, changes: readonly RuleChange[]) {
  const work = index.prepare('k8s', changes);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

test('changes that are prepared come into force in one step, and one at a time until then', () => {
  const index = createRuleIndex();
  index.apply('k8s', [recipe, entry('db', { 'db/a': {}, 'db/b': { v: '1' } }, 'ns')]);
  const [version, changed] = [index.version(), index.changedItems('k8s')];
  const work = index.prepare('k8s', [
    entry('db', { 'db/b': { v: '2' } }, 'ns'),
    entry('app', { 'app/k': {} }, 'ns'),
    entry('bad', 'no items', 'ns'),
  ]);
  // The copy of one entry with two items, then three changes: one item after two, one, and none.
  assert.deepEqual(
    [work.next(), work.next(), work.next(), work.next()].map(({ value }) => value),
    [2, 3, 1, 0],
  );
  assert.deepEqual([...index.lookupKeys('k8s', 'ns')], ['db/a', 'db/b']);
  assert.deepEqual(index.item('k8s', 'ns', 'db/b')?.variables, { v: '1' });
  assert.equal(index.version(), version);
  const step = work.next();
  assert.ok(step.done === true);
  assert.deepEqual(
    step.value().map(({ code }) => code),
    ['RECORD_INVALID'],
  );
  assert.deepEqual([...index.lookupKeys('k8s', 'ns')], ['db/b', 'app/k']);
  assert.deepEqual(index.item('k8s', 'ns', 'db/b'), { variables: { v: '2' }, traceparent: 't-db' });
  assert.notEqual(index.version(), version);
  assert.equal(index.changedItems('k8s'), changed + 3);
  assert.equal(index.recipe('k8s')?.traceparent, 'tr');
});

test('what a Secret or a namespace leaves out is told apart from what does not exist', () => {
  const index = createRuleIndex();
  const marker: RecordKey = { owner: 'k8s', kind: 'namespace', namespace: 'ns' };
  const big: RecordKey = { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'big' };
  index.apply('k8s', [
    { key: marker, value: { schema: 1, namespace: 'ns' } },
    { key: big, value: { schema: 1, items: {}, leftOut: 'big/' } },
  ]);
  const of = (namespace: string, key: string) => index.leftOut('k8s', namespace, key);
  assert.deepEqual(
    [of('ns', 'big/a'), of('ns', 'bigger/a'), of('other', 'big/a')],
    ['secret', undefined, undefined],
  );
  index.apply('k8s', [
    { key: marker, value: { schema: 1, namespace: 'ns', partial: true } },
    { key: big, value: { schema: 1, items: { 'big/a': {} } } },
  ]);
  assert.deepEqual([of('ns', 'big/b'), of('other', 'big/b')], ['namespace', undefined]);
  index.forget('k8s');
  assert.equal(of('ns', 'big/b'), undefined);
});

test('a record with a member whose length is no number is refused like any other of the wrong shape', () => {
  const odd = { length: { toString: null, valueOf: 1 } };
  const index = createRuleIndex();
  const faults = index.apply('k8s', [
    { key: { owner: 'k8s', kind: 'recipe' }, value: { schema: 1, manager: odd } },
    { key: { owner: 'k8s', kind: 'recipe' }, value: { schema: 1, manager: 'k8s', description: odd } },
    {
      key: { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 's' },
      value: { schema: 1, items: {}, leftOut: odd },
    },
  ]);
  assert.deepEqual(
    faults.map(({ code }) => code),
    ['RECIPE_INVALID', 'RECIPE_INVALID', 'RECORD_INVALID'],
  );
  assert.equal(index.recipe('k8s'), undefined);
});

test('an entry of which an item has more variables than any recipe reads is refused', () => {
  const index = createRuleIndex();
  const key = { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'db' } as const;
  const itemOf = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`v${at}`, 'x']));
  const apply = (count: number) =>
    index.apply('k8s', [{ key, value: { schema: 1, items: { 'db/k': itemOf(count) } } }]);
  assert.deepEqual(apply(64), []);
  assert.equal(apply(65)[0]?.code, 'RECORD_INVALID');
  assert.equal(Object.keys(index.item('k8s', 'ns', 'db/k')?.variables ?? {}).length, 64);
});
