import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { inventoryEntrySchema } from '#shared/contracts/inventory/inventory-entry.ts';
import { ruleEntrySchema } from '#shared/contracts/rules/rule-entry.ts';
import { recipeSchema } from '#shared/contracts/rules/rule-recipe.ts';
import { checkShape } from './check-shape.ts';

/** A value of which it is counted how often something in it is read. */
function counted<T extends object>(value: T): { value: T; reads: () => number } {
  let reads = 0;
  const get = (target: T, name: string | symbol): unknown => {
    reads++;
    return Reflect.get(target, name);
  };
  return { value: new Proxy(value, { get }), reads: () => reads };
}

const aRecipe = (env: unknown): object => ({
  schema: 1,
  manager: 'm',
  description: 'x',
  scope: 'cluster',
  inventory: 'open',
  fields: {},
  mounts: { accepts: ['env'], any: 'env' },
  lookup: [],
  edits: { env, file: [] },
});
const messageOf = (result: ReturnType<typeof checkShape>): string => result.error?.issues[0]?.message ?? '';

test('a recipe of a million edits, and a chain of a million names, are refused with a look at few of them', () => {
  for (const check of [
    (list: unknown) => checkShape(recipeSchema, aRecipe(list)),
    (list: unknown) => checkShape(latchkeyConfigSchema, { chain: list }),
  ]) {
    const { value, reads } = counted(Array(1_000_000).fill({}));
    assert.match(messageOf(check(value)), /^has more than \d+ values$/);
    assert.ok(reads() < 60_000, `${reads()} reads`);
  }
});

test('a value that stands in itself, or in itself twice, is refused', () => {
  const list: unknown[] = [];
  list.push(list, list);
  assert.match(messageOf(checkShape(latchkeyConfigSchema, { chain: list })), /more than/);
});

test('of 12,000 variables that are none in a recipe no more are looked at than of 6,000', () => {
  const readsOf = (containers: number): number => {
    const variables = Array.from({ length: 60 * containers }, () => counted({}));
    const edits = Array.from({ length: containers }, (_, index) => {
      const env = variables.slice(60 * index, 60 * (index + 1)).map(({ value }) => value);
      return { initContainer: { name: 'a', image: 'b', env } };
    });
    assert.equal(messageOf(checkShape(recipeSchema, aRecipe(edits))), 'has wrong values by the hundred');
    return variables.reduce((sum, { reads }) => sum + reads(), 0);
  };
  assert.equal(readsOf(200), readsOf(100));
});

test('a recipe may have 200 edits, whichever they are, and no more', () => {
  for (const edit of [
    { env: { name: 'A', value: 'b' } },
    { file: { path: '/a', source: 'b' }, when: { field: 'group', noneOf: ['x'] } },
    { annotation: { name: 'a', value: 'b' } },
  ]) {
    const edits = (length: number): object => aRecipe(Array.from({ length }, () => edit));
    assert.ok(checkShape(recipeSchema, edits(200)).success);
    assert.match(messageOf(checkShape(recipeSchema, edits(201))), /200 items/);
  }
});

test('a policy of 500 rules of 10 globs each is valid', () => {
  const groups = (rule: number): string[] => Array.from({ length: 10 }, (_, index) => `g${rule}-${index}`);
  const rules = Array.from({ length: 500 }, (_, rule) => ({ name: `r${rule}`, groups: groups(rule) }));
  assert.ok(checkShape(latchkeyConfigSchema, { policy: { default: 'deny', rules } }).success);
});

test('of the sealed values and keys of a record none is looked at behind the first that is wrong', () => {
  const many = Array.from({ length: 80_000 }, (_, index) => [`k${index}`, {}] as const);
  const sealed = counted<object>(Object.fromEntries(many));
  assert.equal(checkShape(ruleEntrySchema, { schema: 1, items: {}, sealed: sealed.value }).success, false);
  const keys = counted(Array.from({ length: 80_000 }, (_, index) => index));
  const entry = { schema: 1, source: 'k8s', secret: 's', version: '1', keys: keys.value };
  assert.equal(checkShape(inventoryEntrySchema, entry).success, false);
  assert.ok(sealed.reads() < 10 && keys.reads() < 10, `${sealed.reads()} and ${keys.reads()} reads`);
});

test('a record may have more keys and items than any other message has values', () => {
  const keys = Array.from({ length: 50_000 }, (_, index) => `k${index}`);
  const entry = { schema: 1, source: 'k8s', secret: 's', version: '1', keys };
  assert.ok(checkShape(inventoryEntrySchema, entry).success);
  const items = Object.fromEntries(keys.map((key) => [key, {}]));
  assert.ok(checkShape(ruleEntrySchema, { schema: 1, items }).success);
});
