import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policySchema } from '#shared/contracts/config/policy.ts';
import { compilePolicyRule } from './policy-rule.ts';
import { createRuleMeetings } from './rule-meetings.ts';

const many = <T>(count: number, of: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => of(index));

test('a policy of a thousand long globs has every two compared once, whatever is asked in however many namespaces', () => {
  const ruleOf = (at: number) => ({
    name: `r${at}`,
    serviceAccounts: many(50, (index) => `${'x'.repeat(50)}a${at}-${index}*`),
  });
  const rules = many(20, ruleOf).map(compilePolicyRule);
  let comparisons = 0;
  const couldMeet = createRuleMeetings(rules, () => {
    comparisons += 1;
  });
  const demands = [rules.slice(0, 10), rules.slice(10)];
  assert.equal(couldMeet(demands, 'team'), false);
  const once = comparisons;
  assert.ok(once <= 1_000 * 1_000, `${once} comparisons`);
  for (let index = 0; index < 1_000; index += 1) assert.equal(couldMeet(demands, `team-${index}`), false);
  assert.equal(comparisons, once);
});

test('plain names are not compared with each other', () => {
  const rules = many(500, (at) => ({ name: `r${at}`, serviceAccounts: [`account-${at}`] })).map(
    compilePolicyRule,
  );
  const couldMeet = createRuleMeetings(rules, () => assert.fail('compared'));
  assert.equal(couldMeet([rules.slice(0, 250), rules.slice(250)], 'team'), false);
  assert.equal(couldMeet([rules.slice(0, 250), rules.slice(249)], 'team'), true);
});

test('conditions that take too long to be compared are a mistake of the configuration, which names the field', () => {
  const policyOf = (globs: (index: number) => string) => ({
    default: 'deny',
    rules: many(20, (at) => ({
      name: `r${at}`,
      groups: ['g'],
      projects: many(50, (index) => globs(50 * at + index)),
    })),
  });
  assert.equal(policySchema.safeParse(policyOf((index) => `${'x'.repeat(50)}${index}*`)).success, true);
  const refused = policySchema.safeParse(policyOf((index) => `*${'x'.repeat(50)}${index}*`));
  assert.deepEqual(
    refused.error?.issues.map(({ path, message }) => [path.join('.'), /too many projects/.test(message)]),
    [['rules', true]],
  );
});
