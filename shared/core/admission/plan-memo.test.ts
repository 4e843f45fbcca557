import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { aPod, aReview, bytesOf, someRules } from '#testkit/pods/a-pod.ts';
import { admit, type Rules } from './admit.ts';
import { PlanMemo } from './plan-memo.ts';

const asks = [{ group: 'db', key: 'pass' }];
const rules = (): Rules => someRules({}, { k8s: { ns: { db: ['pass'] } } });
const label = { 'inject-flyte-secrets': 'true' };
const body = bytesOf(aReview(aPod({ asks })));
const outcomeOf = (memo: PlanMemo, by: Rules): string => admit(body, by, { plan: memo.plan }).outcome;

test('a thousand pods that ask for the same are planned twice', () => {
  const [memo, by] = [new PlanMemo(), rules()];
  for (let pod = 0; pod < 1_000; pod++) assert.equal(outcomeOf(memo, by), 'injected');
  assert.equal(memo.hits, 998);
});

test('a request that does not come again soon takes no place of one that does', () => {
  const [memo, by] = [new PlanMemo(), rules()];
  const askAs = (serviceAccountName: string): number => {
    const pod = { ...aPod({ asks }), spec: { serviceAccountName, containers: [{ name: 'c' }] } };
    admit(bytesOf(aReview(pod)), by, { plan: memo.plan });
    return memo.hits;
  };
  for (const name of ['a', 'a', 'a']) askAs(name);
  assert.equal(memo.hits, 1);
  for (let other = 0; other < 1_000; other++) askAs(`once-${other}`);
  assert.equal(askAs('once-0'), 1);
  assert.equal(askAs('once-0'), 1);
  assert.equal(askAs('a'), 2);
});

test('what is remembered takes as many steps as what is planned, and is refused with as few', () => {
  const [memo, by] = [new PlanMemo(), rules()];
  const spent = () => {
    const budget = createWorkBudget();
    admit(body, by, { plan: memo.plan, budget });
    return budget.spent();
  };
  const steps = spent();
  assert.equal(spent(), steps);
  for (let limit = 0; limit < steps; limit += 20) {
    const { response, warnings } = admit(body, by, { plan: memo.plan, budget: createWorkBudget(limit) });
    const fresh = admit(body, by, { budget: createWorkBudget(limit) });
    assert.deepEqual({ response, warnings }, { response: fresh.response, warnings: fresh.warnings });
  }
});

test('a secret that is deleted is denied to the next pod, though many had it', () => {
  const [memo, by] = [new PlanMemo(), rules()];
  assert.equal(outcomeOf(memo, by), 'injected');
  const key = { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'db' } as const;
  by.index.apply('k8s', [{ key, value: undefined }]);
  assert.equal(outcomeOf(memo, by), 'denied');
});

test('another namespace, service account, project or domain asks anew', () => {
  const [memo, by] = [new PlanMemo(), rules()];
  outcomeOf(memo, by);
  const others = [
    aReview(aPod({ asks }), { namespace: 'other' }),
    aReview({ ...aPod({ asks }), spec: { serviceAccountName: 'sa', containers: [{ name: 'c' }] } }),
    aReview(aPod({ asks, metadata: { labels: { ...label, project: 'p' } } })),
    aReview(aPod({ asks, metadata: { labels: { ...label, domain: 'p' } } })),
  ];
  for (const review of others) admit(bytesOf(review), by, { plan: memo.plan });
  assert.equal(memo.hits, 0);
});

test('while a manager is silent, every pod is planned anew', () => {
  const [memo, by] = [new PlanMemo(), { ...rules(), isStale: () => true, ageMs: () => 90_000 }];
  for (let pod = 0; pod < 3; pod++)
    assert.match(admit(body, by, { plan: memo.plan }).warnings.join(), /not heard/);
  assert.equal(memo.hits, 0);
});

test('plans beyond the bytes that it may hold give way, the oldest first', () => {
  const [memo, by] = [new PlanMemo(80_000), rules()];
  const bodies = ['a', 'b', 'c', 'd'].map((serviceAccountName) =>
    bytesOf(aReview({ ...aPod({ asks }), spec: { serviceAccountName, containers: [{ name: 'c' }] } })),
  );
  for (const one of [...bodies, ...bodies]) admit(one, by, { plan: memo.plan });
  for (const one of bodies.slice(-1)) admit(one, by, { plan: memo.plan });
  assert.equal(memo.hits, 1);
  admit(bodies[0] ?? body, by, { plan: memo.plan });
  assert.equal(memo.hits, 1);
});

test('what a large recipe makes of a request counts, and not the request alone', () => {
  const value = `\${id}${'x'.repeat(4_000)}`;
  const recipe = {
    ...{ schema: 1, manager: 'big', description: 'd', scope: 'cluster', inventory: 'open' },
    ...{ fields: { group: {}, key: {} }, mounts: { accepts: ['env'], any: 'env' }, lookup: ['${group}'] },
    edits: { env: [1, 2, 3].map((at) => ({ env: { name: `V${at}`, value } })), file: [] },
  };
  const by = { ...rules(), chain: ['big'] };
  assert.deepEqual(by.index.apply('big', [{ key: { owner: 'big', kind: 'recipe' }, value: recipe }]), []);
  const memo = new PlanMemo(36 * 1_024);
  for (const group of ['a', 'a', 'b', 'b', 'a']) {
    const asked = bytesOf(aReview(aPod({ asks: [{ group, key: 'k', mountRequirement: 1 }] })));
    assert.equal(admit(asked, by, { plan: memo.plan }).outcome, 'injected');
  }
  assert.equal(memo.hits, 0);
});
