import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretRequest } from '#shared/core/flyte/secret-request.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { askChain, type Rules } from './chain.ts';

const request: SecretRequest = { group: 'db', groupVersion: '', key: 'k', envVar: '', mountRequirement: 0 };
const caller = { namespace: 'ns', serviceAccount: 'default' };
const ask = (rules: Rules, over: Partial<SecretRequest> = {}, namespace = 'ns'): string[] =>
  askChain({ ...request, ...over }, { namespace, serviceAccount: 'default' }, rules).map(
    ({ manager, kind }) => `${manager} ${kind}`,
  );

const inventory = {
  global: { files: { 'db/k': 'v', 'G/k': 'v' } },
  k8s: { ns: { db: ['k'], other: ['k'] } },
};

test('the first manager that has the secret ends the questions', () => {
  assert.deepEqual(ask(someRules({}, inventory)), ['global found']);
  assert.deepEqual(ask(someRules({}, inventory), { group: 'other' }), ['global absent', 'k8s found']);
  assert.deepEqual(ask(someRules({ chain: ['k8s', 'global'] }, inventory)), ['k8s found']);
});

test('a manager that can never serve the request says no', () => {
  const rules = someRules({}, inventory);
  assert.deepEqual(ask(rules, { group: '' }), ['global ineligible', 'k8s ineligible']);
  assert.deepEqual(ask(rules, { group: 'No' }), ['global absent', 'k8s ineligible']);
  assert.deepEqual(ask(rules, { key: '../k' }), ['global ineligible', 'k8s ineligible']);
  assert.deepEqual(ask(rules, { mountRequirement: 99 }), ['global ineligible', 'k8s ineligible']);
  assert.deepEqual(ask(rules, { group: 'latchkey-global-0' }), ['global absent', 'k8s ineligible']);
  const inline = someRules({ global: { delivery: 'inline' } }, inventory);
  assert.deepEqual(ask(inline, { mountRequirement: mountNumber.file }), ['global ineligible', 'k8s found']);
});

test('a namespace without a marker is unknown and stops the chain', () => {
  const rules = someRules({}, inventory);
  assert.deepEqual(ask(rules, {}, 'elsewhere'), ['global unknown']);
  const k8sOnly = someRules({ chain: ['k8s', 'global'] }, inventory);
  assert.deepEqual(ask(k8sOnly, {}, 'elsewhere'), ['k8s unknown']);
});

test('a manager of which nothing has arrived is unknown', () => {
  const rules = someRules({}, inventory);
  assert.deepEqual(ask({ ...rules, index: createRuleIndex() }), ['global unknown']);
  assert.deepEqual(ask({ ...rules, chain: ['of-the-operator'] }), ['of-the-operator unknown']);
});

test('an open manager accepts what it can serve, in any namespace', () => {
  const rules = someRules({ k8s: { inventory: 'open' }, chain: ['k8s'] });
  assert.deepEqual(ask(rules, {}, 'elsewhere'), ['k8s found']);
  assert.deepEqual(ask(rules, { group: 'No' }), ['k8s ineligible']);
});

test('a stale manager injects what it knows and no longer says that something is absent', () => {
  const rules = { ...someRules({}, inventory), isStale: () => true };
  assert.deepEqual(ask(rules), ['global found']);
  assert.deepEqual(ask(rules, { group: 'absent' }), ['global unknown', 'k8s unknown']);
  const [answer] = askChain(request, caller, rules);
  assert.ok(answer?.kind === 'found' && answer.stale);
});

test('what a later manager has is injected although an earlier one is stale', () => {
  const rules = { ...someRules({}, inventory), isStale: (manager: string) => manager === 'global' };
  assert.deepEqual(ask(rules, { group: 'other' }), ['global unknown', 'k8s found']);
  assert.deepEqual(ask(rules, { group: 'absent' }), ['global unknown', 'k8s absent']);
});

test('losing the bus costs no answer of an open manager either: what the stale one before it lacked goes on', () => {
  const rules = { ...someRules({ k8s: { inventory: 'open' } }, inventory), isStale: () => true };
  assert.deepEqual(ask(rules, { group: 'absent' }), ['global unknown', 'k8s found']);
  assert.deepEqual(ask(rules), ['global found']);
});

test('a global secret is looked up as a variable first, then as a file', () => {
  const both = { global: { env: { FLYTE_SECRET_DB_K: 'v' }, files: { 'db/k': 'w' } } };
  const [answer] = askChain(request, caller, someRules({ global: { delivery: 'inline' } }, both));
  assert.ok(answer?.kind === 'found');
  assert.equal(answer.match.variables.entry.value, 'v');
});

const nearMisses = (over: Partial<SecretRequest>, policy: object = {}): string[] =>
  askChain({ ...request, ...over }, caller, someRules({ policy }, similar)).flatMap((answer) =>
    answer.kind === 'absent' ? answer.nearMisses() : [],
  );
const similar = {
  global: { files: { 'team/wandb_token': 'v' }, env: { FLYTE_SECRET_OPENAI_KEY: 'v' } },
  k8s: { ns: { team: ['wandb-tokens'] } },
};

test('similar global secrets are suggested as well, by the name that a task writes', () => {
  assert.deepEqual(nearMisses({ group: 'team', key: 'wandb_tokn' }), [
    'team/wandb_token',
    'team/wandb-tokens',
  ]);
  assert.deepEqual(nearMisses({ group: 'openai', key: 'keys' }), ['OPENAI_KEY']);
  const policy = { rules: [{ name: 'own', managers: ['global'], groups: ['team'], namespaces: ['other'] }] };
  assert.deepEqual(nearMisses({ group: 'tean', key: 'wandb_token' }, policy), ['team/wandb-tokens']);
});
