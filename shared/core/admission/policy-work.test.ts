import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import { recipeFileSchema } from '#shared/contracts/recipe-file.ts';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { compileLookupName, type LookupName } from '#shared/core/rules/lookup-name.ts';
import { compilePolicy } from '#shared/core/rules/policy.ts';
import { customManager } from '#shared/managers/custom-manager.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/offline-rules.ts';
import { aPod, aReview, bytesOf, mountNumber } from '#testkit/pods/pod-builder.ts';
import { admit, type Rules } from './admit.ts';

/** A recipe that its author made to cost much, with a secret `team` of `ns` and this policy. */
function someRules(lookup: string[], policy: object): Rules {
  const config = latchkeyConfigSchema.parse({ chain: ['own'], custom: { own: 'own.yaml' }, policy });
  const recipe = recipeFileSchema.parse({
    description: 'secret "${group}"',
    inventory: 'closed',
    source: 'k8s',
    fields: {},
    mounts: { accepts: ['env'], any: 'env' },
    lookup,
    edits: { env: [{ env: { name: 'X', value: 'x' } }] },
  });
  const inventory = inventorySchema.parse({ k8s: { ns: { [name.slice(1)]: ['k'] } } });
  return createOfflineRules(config, [customManager('own', recipe)])(inventory, 'ns');
}

const name = 'n'.repeat(60);
const caller = { namespace: 'ns', serviceAccount: 'default' };
const inOther = { name: 'r', groups: ['n*'], namespaces: ['other'] };
const side = (count: number): string => '${group}'.repeat(count);
const own = (text: string): LookupName => compileLookupName(text, { manager: 'own', fields: {} }, 'lookup');

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
  const policy = compilePolicy({ default: 'allow', rules: [inOther] }, [counted], 'own');
  assert.equal(policy.decide(name, caller, undefined, budget).allowed, false);
  assert.ok(looked < 2_000, `${looked} readings`);
  assert.ok(budget.spent() > 2_000, `${budget.spent()} steps`);
});

test('a name of which only a part was looked at is not told to whom no part of it admits', () => {
  const policy = compilePolicy(
    { default: 'deny', rules: [{ name: 'r', groups: [name], namespaces: ['ns'] }] },
    [own('${group}${key}')],
    'own',
  );
  assert.equal(policy.decide(name, caller).allowed, false);
  assert.equal(policy.decide(name, caller, { group: name, key: '' }).allowed, true);
  assert.equal(policy.mayReach(name, 'ns'), true);
});

test('a copy lies nowhere where its name is too long to be read', () => {
  const all = { name: 'r', groups: ['*'] };
  const policy = compilePolicy({ default: 'deny', rules: [all] }, [own('${key}${group}${key}')], 'own');
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
  const { code, response } = admit(
    body,
    someRules([`${side(5)}/\${key}`], { default: 'deny', rules }),
    budget,
  );
  assert.equal(code, 'SECRET_NOT_FOUND');
  assert.ok(!JSON.stringify(response).includes(name.slice(1)));
  assert.ok(budget.spent() > 2_000, `${budget.spent()} steps`);
});

test('each lookup of a recipe is paid for', () => {
  const steps = (lookups: number): number => {
    const budget = createWorkBudget();
    const lookup = Array.from({ length: lookups }, (_, index) => `${index}\${group}/\${key}`);
    const asks = [{ group: name, key: 'k', mountRequirement: mountNumber.env }];
    admit(bytesOf(aReview(aPod({ asks }))), someRules(lookup, {}), budget);
    return budget.spent();
  };
  assert.ok(steps(8) >= steps(1) + 70, `${steps(1)} and ${steps(8)} steps`);
});
