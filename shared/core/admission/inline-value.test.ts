import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { type LatchkeyConfig, latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { emptyKeyRing, type KeyRing } from '#shared/core/rules/index/key-ring.ts';
import { createRuleIndex, type RuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { nonceBytes, type OpenValue, openValue, sealValue } from '#shared/core/rules/index/sealed-value.ts';
import { createValueOpener } from '#shared/core/rules/index/value-opener.ts';
import { compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import type { Variables } from '#shared/core/rules/template/template.ts';
import { globalManager } from '#shared/managers/shipped/global.ts';
import { aPod, aReview, bytesOf } from '#testkit/pods/a-pod.ts';
import { admit, type Rules } from './admit.ts';
import { PlanMemo } from './plan-memo.ts';

const config: LatchkeyConfig = latchkeyConfigSchema.parse({ global: { delivery: 'inline' } });
const key = randomBytes(32);
const ring: KeyRing = { keys: new Map([['k1', key]]), sealingKid: 'k1' };
const secret = 'file:team/token';
const value = 'costs $(HOME) and $5';

const request: Variables = {
  group: 'team',
  groupVersion: '',
  key: 'token',
  envVar: '',
  namespace: 'any',
  versionedGroup: 'team_',
  id: '0',
  entry: {},
};

/** The index of a gateway after the fact has gone through the resolver; the ring in use can be changed. */
function anIndex(sealedFor = secret, plain = value, open?: OpenValue) {
  const state = { ring };
  const place = { owner: 'global', secret: sealedFor };
  const sealed = sealValue(plain, { kid: 'k1', key, place, epoch: 1, nonce: randomBytes(nonceBytes) });
  const rule = globalManager.entry(
    { schema: 1, source: 'global', secret, keys: [], version: '1', sealed },
    config,
  );
  assert.ok(rule);
  const index = createRuleIndex({ open: open ?? ((held, where) => openValue(held, where, state.ring)) });
  const { namespace, entry } = rule;
  const faults = index.apply('global', [
    { key: { owner: 'global', kind: 'recipe' }, value: globalManager.recipe(config) },
    { key: { owner: 'global', kind: 'entry', namespace, secret }, value: JSON.parse(JSON.stringify(entry)) },
  ]);
  assert.deepEqual(faults, []);
  return { index, state };
}

function variableOf(index: ReturnType<typeof anIndex>['index']): string | undefined {
  const entry = index.item('global', 'any', secret)?.variables ?? {};
  const edits = compileRecipe(globalManager.recipe(config)).edits.env({ ...request, entry });
  const edit = edits.find((candidate) => 'env' in candidate && candidate.env.name === '_FSEC_TEAM_TOKEN');
  return edit !== undefined && 'env' in edit && 'value' in edit.env ? edit.env.value : undefined;
}

test('a sealed value reaches the variable, escaped so that the kubelet leaves it as it is', () => {
  assert.equal(variableOf(anIndex().index), 'costs $$(HOME) and $5');
});

test('what the index holds lists no value', () => {
  const item = anIndex().index.item('global', 'any', secret);
  assert.deepEqual(Object.entries(item?.variables ?? {}), []);
  assert.ok(!JSON.stringify({ ...item, copied: { ...item?.variables } }).includes('HOME'));
});

test('without its key the value is unknown and the key named, until the key arrives', () => {
  const { index, state } = anIndex();
  state.ring = emptyKeyRing;
  assert.throws(() => variableOf(index), { code: 'RULES_UNKNOWN', message: /file:team\/token.*no key "k1"/ });
  state.ring = ring;
  assert.equal(variableOf(index), 'costs $$(HOME) and $5');
});

test('a value that was sealed for another secret is not injected', () => {
  assert.throws(() => variableOf(anIndex('file:team/other').index), { code: 'RULES_UNKNOWN' });
});

/** Rules of a gateway that asks `global` alone. */
const rulesOf = (index: RuleIndex): Rules => ({
  index,
  chain: ['global'],
  skippedContainers: [],
  isStale: () => false,
  ageMs: () => 0,
  namespaces: config.k8s.namespaces,
});

test('an opened value is not remembered with the plan: the next pod gets what its key opens then', () => {
  const { index, state } = anIndex();
  const [memo, rules] = [new PlanMemo(), rulesOf(index)];
  const body = bytesOf(aReview(aPod({ asks: [{ group: 'team', key: 'token' }] })));
  const answer = () => admit(body, rules, { plan: memo.plan });
  assert.match(JSON.stringify(answer().patch), /costs \$\$\(HOME\)/);
  state.ring = emptyKeyRing;
  assert.equal(answer().code, 'RULES_UNKNOWN');
  assert.equal(memo.hits, 0);
});

test('a large value that is asked for under many names is refused before all of them are opened', () => {
  const { index } = anIndex(secret, '$'.repeat(600_000));
  let opened = 0;
  const counted: typeof index = {
    ...index,
    item: (...of) => {
      opened++;
      return index.item(...of);
    },
  };
  const rules = rulesOf(counted);
  const asks = Array.from({ length: 256 }, (_, of) => ({ group: 'team', key: 'token', envVar: `E${of}` }));
  assert.equal(admit(bytesOf(aReview(aPod({ asks }))), rules).code, 'POD_TOO_LARGE');
  assert.ok(opened < 50, `${opened} lookups`);
  const one = admit(bytesOf(aReview(aPod({ asks: asks.slice(0, 1) }))), rules);
  assert.equal(one.outcome, 'injected');
});

test('input 70: a sealed value that does not open is deciphered once, however many ask, and again with other keys', () => {
  let deciphered = 0;
  const counting = (held: Uint8Array): KeyRing => ({
    keys: Object.assign(new Map<string, Uint8Array>([['k1', held]]), {
      get: () => {
        deciphered += 1;
        return held;
      },
    }),
    sealingKid: 'k1',
  });
  const state = { ring: counting(randomBytes(32)) };
  const { index } = anIndex(
    secret,
    value,
    createValueOpener(() => state.ring),
  );
  const asks = Array.from({ length: 256 }, (_, of) => ({ group: 'team', key: 'token', envVar: `E${of}` }));
  const body = bytesOf(aReview(aPod({ asks })));
  const codes = () => Array.from({ length: 3 }, () => admit(body, rulesOf(index)).code);
  assert.deepEqual(codes(), ['RULES_UNKNOWN', 'RULES_UNKNOWN', 'RULES_UNKNOWN']);
  assert.equal(deciphered, 1);
  state.ring = counting(key);
  assert.notEqual(codes()[0], 'RULES_UNKNOWN');
});
