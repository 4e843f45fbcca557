import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { admitReview, type Rules } from '#shared/core/admission/admit.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { countCalls } from '#testkit/pods/call-count.ts';
import { heavyPropertyRuns } from '#testkit/properties/property-runs.ts';
import { createWorkBudget } from './work-budget.ts';

/** What a step may do at most, in calls; the rest is what every answer takes, and a list whose length is looked at. */
const callsPerStep = 4;
const callsOfAnswer = 15_000;

const groups = Array.from({ length: 256 }, (_, index) => `g${index}`);
const inventory = {
  k8s: { ns: { db: ['pass'], ...Object.fromEntries(groups.map((group) => [group, ['k']])) } },
};
const k8s = someRules({ chain: ['k8s'] }, inventory);
const open = someRules({ chain: ['k8s'], k8s: { inventory: 'open' } });
const aws = someRules({ chain: ['aws'] });
const vault = someRules({ chain: ['vault'] });
const repeat = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));

/** Decides a review, and holds the steps that it says it took against what it did. */
function assertPaid(pod: object, rules: Rules, limit?: number): boolean {
  const review = aReview(pod);
  const budget = createWorkBudget(limit);
  const { result, calls } = countCalls(() => admitReview(review, rules, { budget }));
  const most = callsPerStep * budget.spent() + callsOfAnswer;
  assert.ok(calls <= most, `${calls} calls for ${budget.spent()} steps, ${result.code ?? result.outcome}`);
  applyPatch(pod, result.patch);
  return result.outcome === 'injected';
}

const db = { group: 'db', key: 'pass' };
const file = { ...db, mountRequirement: mountNumber.file };
const mounting = (count: number, mountPath: (index: number) => string): object => ({
  containers: [
    { name: 'c', volumeMounts: repeat(count, (index) => ({ name: 'v', mountPath: mountPath(index) })) },
  ],
});

const manyRules = repeat(30, (index) => ({
  name: `r${index}`,
  groups: [`g*${'g*'.repeat(index)}`, `gg*${'g*'.repeat(index)}`],
  namespaces: ['*'],
}));

/** Pods that are long in one way each. */
const longPods: Record<string, () => [pod: object, rules: Rules]> = {
  'mount paths that are not normal': () => [
    aPod({ asks: [file], spec: mounting(300, (index) => '/a/.'.repeat(500) + index) }),
    k8s,
  ],
  'mount paths of slashes': () => [
    aPod({ asks: [file], spec: mounting(300, (index) => '/'.repeat(2_000) + index) }),
    k8s,
  ],
  'mounts below the folder of a secret': () => [
    aPod({ asks: [file], spec: mounting(2_000, (index) => `/etc/flyte/secrets/db/x${index}/a/b/c/d`) }),
    k8s,
  ],
  variables: () => [
    aPod({
      asks: groups.map((group, index) => ({ group, key: 'k', mountRequirement: 1, envVar: `E${index}` })),
      spec: { containers: [{ name: 'c', env: repeat(9_000, (index) => ({ name: `E${index % 300}` })) }] },
    }),
    k8s,
  ],
  'annotations that look like requests': () => [
    aPod({
      asks: [db],
      annotations: Object.fromEntries(repeat(9_000, (index) => [`flyte.secrets/sx${index}`, ''])),
    }),
    k8s,
  ],
  'annotations that are too many requests': () => [
    aPod({ annotations: Object.fromEntries(repeat(9_000, (index) => [`flyte.secrets/s${index}`, ''])) }),
    k8s,
  ],
  volumes: () => [
    aPod({ asks: [file], spec: { volumes: repeat(9_000, (index) => ({ name: `v${index}` })) } }),
    k8s,
  ],
  'init containers': () => [
    aPod({
      asks: repeat(256, (index) => ({ group: 'arn:aws:x', key: `k${index}` })),
      spec: { initContainers: repeat(5_000, (index) => ({ name: `c-${index}` })) },
    }),
    aws,
  ],
  'requests with names of a thousand characters': () => [
    aPod({
      asks: repeat(200, (index) => ({ group: `arn:aws:${'x'.repeat(600)}`, key: 'k'.repeat(600) + index })),
    }),
    aws,
  ],
  'requests about which many rules of the policy are': () => [
    aPod({ asks: repeat(256, (index) => ({ group: 'g'.repeat(100) + index, key: 'k' })) }),
    someRules({ chain: ['k8s'], k8s: { inventory: 'open' }, policy: { rules: manyRules } }),
  ],
  'requests with names of folders': () => [
    aPod({
      asks: repeat(70, (index) => ({ group: 'a/'.repeat(1_000) + index, key: 'k/'.repeat(1_000) + index })),
    }),
    aws,
  ],
  'requests that are refused': () => [
    aPod({ asks: repeat(256, (index) => ({ group: 'x'.repeat(600), key: `k${index}` })) }),
    k8s,
  ],
  'requests that the Vault agent serves': () => [
    aPod({ asks: repeat(256, (index) => ({ group: `secret/data/${'x'.repeat(500)}${index}`, key: 'k' })) }),
    vault,
  ],
  'containers that get files': () => [
    aPod({
      asks: groups.map((group) => ({ group, key: 'k', mountRequirement: mountNumber.file })),
      spec: { containers: repeat(150, (index) => ({ name: `c${index}` })) },
    }),
    open,
  ],
  'containers that get variables': () => [
    aPod({
      asks: groups.map((group) => ({ group, key: 'k', mountRequirement: mountNumber.env })),
      spec: { containers: repeat(150, (index) => ({ name: `c${index}` })) },
    }),
    open,
  ],
};

for (const [what, make] of Object.entries(longPods)) {
  test(`a decision does no more than it pays for, of a pod with many ${what}, and a second time`, () => {
    const [pod, rules] = make();
    if (assertPaid(pod, rules)) assertPaid(pod, rules);
  });
}

test('a decision ends where its budget does', () => {
  const makes = fc.constantFrom(...Object.values(longPods));
  fc.assert(
    fc.property(makes, fc.integer({ min: 0, max: 20_000 }), (make, limit) => {
      const [pod, rules] = make();
      assert.equal(assertPaid(pod, rules, limit), false);
    }),
    heavyPropertyRuns(60, 1 / 10),
  );
});
