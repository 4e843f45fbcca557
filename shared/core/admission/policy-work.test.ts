import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { recipeFileSchema } from '#shared/contracts/rules/recipe-file.ts';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { compilePolicy } from '#shared/core/rules/policy/policy.ts';
import { compileLookupName, type LookupName } from '#shared/core/rules/template/lookup-name.ts';
import { templateCost } from '#shared/core/rules/template/template-cost.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { customManager } from '#shared/managers/custom/custom-manager.ts';
import { aPod, aReview, bytesOf, mountNumber } from '#testkit/pods/a-pod.ts';
import { admit, type Rules } from './admit.ts';

/** A recipe that its author made to cost much, with a secret `team` of `ns` and this policy. */
function someRules(lookup: string[], policy: object, over: object = {}): Rules {
  const config = latchkeyConfigSchema.parse({ chain: ['own'], custom: { own: 'own.yaml' }, policy });
  const recipe = recipeFileSchema.parse({
    description: 'secret "${group}"',
    inventory: 'closed',
    source: 'k8s',
    fields: {},
    mounts: { accepts: ['env'], any: 'env' },
    lookup,
    edits: { env: [{ env: { name: 'X', value: 'x' } }] },
    ...over,
  });
  const inventory = inventorySchema.parse({ k8s: { ns: { [name.slice(1)]: ['k'] } } });
  return createOfflineRules(config, [customManager('own', recipe)])(inventory, 'ns');
}

const name = 'n'.repeat(60);
const caller = { namespace: 'ns', serviceAccount: 'default' };
const inOther = { name: 'r', groups: ['n*'], namespaces: ['other'] };
const side = (count: number): string => '${group}'.repeat(count);
const own = (text: string): LookupName => compileLookupName(text, { fields: {} }, 'lookup');

test('a name that can be taken apart in a million ways is looked at for a moment, though nobody asks for it', () => {
  let looked = 0;
  const lookup = own(side(4));
  const counted: LookupName = {
    ...lookup,
    *readings(text, search) {
      for (const asked of lookup.readings(text, search)) {
        looked++;
        yield asked;
      }
    },
  };
  const budget = createWorkBudget();
  const policy = compilePolicy({ default: 'allow', rules: [inOther] }, [counted]);
  assert.equal(policy.decide(name, caller, undefined, budget).allowed, false);
  assert.ok(looked < 2_000, `${looked} readings`);
  assert.ok(budget.spent() > 2_000, `${budget.spent()} steps`);
});

test('a name of which only a part was looked at is not told to whom no part of it admits', () => {
  const policy = compilePolicy(
    { default: 'deny', rules: [{ name: 'r', groups: [name], namespaces: ['ns'] }] },
    [own('${group}${key}')],
  );
  assert.equal(policy.decide(name, caller).allowed, false);
  assert.equal(policy.decide(name, caller, { group: name, key: '' }).allowed, true);
  assert.equal(policy.mayReach(name, 'ns'), true);
});

test('in how many namespaces a copy may lie is found out with one search of its name', () => {
  let searches = 0;
  const lookup = own(side(3));
  const counted: LookupName = {
    ...lookup,
    readings(text, search) {
      searches++;
      return lookup.readings(text, search);
    },
  };
  const rules = [{ ...inOther, namespaces: ['team-1*'] }];
  const policy = compilePolicy({ default: 'allow', rules }, [counted]);
  const reached = many(200, (at) => policy.mayReach(name, `team-${at}`)).filter(Boolean);
  assert.equal(reached.length, 111);
  assert.equal(searches, 1);
});

test('what a manager names in every secret is made once for each lookup, not for each pair', () => {
  let renders = 0;
  const lookup = own('${group}/${key}');
  const render: LookupName['render'] = (variables) => {
    renders++;
    return lookup.render(variables);
  };
  const rule = { name: 'r', groups: many(50, (at) => `g${at}`), keys: many(50, (at) => `k${at}`) };
  compilePolicy({ default: 'allow', rules: [rule] }, [{ ...lookup, render }]);
  assert.equal(renders, 2_501);
});

test('a copy lies nowhere where its name is too long to be read', () => {
  const all = { name: 'r', groups: ['*'] };
  const policy = compilePolicy({ default: 'deny', rules: [all] }, [own('${key}${group}${key}')]);
  assert.equal(policy.mayReach('n'.repeat(40), 'ns'), true);
  assert.equal(policy.mayReach('n'.repeat(200_000), 'ns'), false);
});

test('a pod that asks for a name nearly right pays for the search of what may be suggested', () => {
  const rules = [
    { name: 'own', groups: ['n'.repeat(12)], namespaces: ['ns'] },
    { name: 'reserved', groups: ['?*'], namespaces: ['other'] },
  ];
  const budget = createWorkBudget();
  const asks = [{ group: 'n'.repeat(12), key: 'k', mountRequirement: mountNumber.env }];
  const body = bytesOf(aReview(aPod({ asks })));
  const { code, response } = admit(body, someRules([`${side(5)}/\${key}`], { default: 'deny', rules }), {
    budget,
  });
  assert.equal(code, 'SECRET_NOT_FOUND');
  assert.ok(!JSON.stringify(response).includes(name.slice(1)));
  assert.ok(budget.spent() > 2_000, `${budget.spent()} steps`);
});

/** What it costs to admit a pod that asks for one secret. */
function stepsOf(lookup: string[], policy: object = {}, over: object = {}): number {
  const budget = createWorkBudget();
  const asks = [{ group: name, key: 'k', mountRequirement: mountNumber.env }];
  admit(bytesOf(aReview(aPod({ asks }))), someRules(lookup, policy, over), { budget });
  return budget.spent();
}
const many = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));
const plain = ['${group}/${key}'];

test('each lookup of a recipe, and each of its filters, is paid for', () => {
  const eight = many(8, (index) => `${index}\${group}/\${key}`);
  assert.ok(stepsOf(eight) >= stepsOf(['0${group}/${key}']) + 70);
  assert.ok(stepsOf([`\${group${'|upper'.repeat(8)}}`]) >= stepsOf(['${group}']) + 24);
});

test('what a recipe is long by is paid for before it is done: prefixes, values that count, edits', () => {
  const open = { inventory: 'open', source: undefined };
  const group = { forbiddenPrefixes: many(200, (index) => `p${index}`.padEnd(400, 'p')) };
  assert.ok(stepsOf(plain, {}, { ...open, fields: { group } }) > 4_000);
  const args = many(200, () => '${group|hash}'.repeat(10));
  const edits = { env: [{ initContainer: { name: 'c', image: 'i', args } }] };
  assert.ok(stepsOf(plain, {}, { ...open, edits }) > 8_000);
});

test('a long variable of an entry is paid for by each template that reads it, before it is rendered', () => {
  const text = { name: 'A', value: '${entry.text}'.repeat(50) };
  const cost = templateCost([{ env: text }]);
  const request = {
    ...caller,
    group: 'g',
    groupVersion: '',
    key: 'k',
    envVar: '',
    versionedGroup: '',
    id: '',
  };
  const short = cost({ ...request, entry: { text: 'x' } });
  const long = cost({ ...request, entry: { text: 'x'.repeat(900_000) } });
  assert.ok(long - short > (50 * 900_000) / 40, `${long - short} steps`);
});

test('each condition of the rules about a secret is paid for', () => {
  const rules = many(100, (index) => ({
    name: `r${index}`,
    groups: ['n*'],
    namespaces: many(50, (at) => `x${at}`),
  }));
  assert.ok(stepsOf(plain, { rules }) > 5_000);
});

test('rules that make too many names of few globs are refused before they are compiled', () => {
  const rule = { name: 'r', groups: many(50, (at) => `g${at}`), keys: many(50, (at) => `k${at}`) };
  const rules = many(2, (index) => ({ ...rule, name: `r${index}` }));
  assert.ok(
    someRules(
      many(2, (index) => `${index}\${group}/\${key}`),
      { rules },
    ),
  );
  const eight = many(8, (index) => `${index}\${group}/\${key}`);
  assert.throws(() => someRules(eight, { rules }), { code: 'RECIPE_INVALID', message: /10000 names/ });
});
