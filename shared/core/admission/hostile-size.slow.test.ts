import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostSteps } from '#shared/core/bounds/work-budget.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { assertRefused, assertRepeats, type Judged, judgePod } from '#testkit/pods/judge-pod.ts';
import { admit, type Rules } from './admit.ts';

/** Pods as long as any that can be stored. `hostile-size.test.ts` and `work-budget.test.ts` ask about smaller ones. */
const groups = Array.from({ length: 256 }, (_, index) => `g${index}`);
const inventory = {
  k8s: { ns: { db: ['pass'], ...Object.fromEntries(groups.map((group) => [group, ['k']])) } },
};
const rules = someRules({ chain: ['k8s'] }, inventory);
const pullRules = someRules({ chain: ['k8s', 'aws'] }, { k8s: { ns: {} } });
const db = { group: 'db', key: 'pass' };
const repeat = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));
const judge = (pod: object, by: Rules = rules): Judged => judgePod(pod, by);

test('input 58: mount paths cost a step for each of their segments, or their pod is refused', () => {
  for (const [piece, mounts, times] of [
    ['/a/.', 700, 1_020],
    ['/a/', 900, 1_000],
    ['/', 700, 4_090],
    ['/a/..', 9_000, 60],
  ] as const) {
    const volumeMounts = repeat(mounts, (index) => ({
      name: 'own',
      mountPath: piece.repeat(times) + index,
    }));
    const asks = [{ ...db, mountRequirement: mountNumber.file }];
    const { admission, steps } = judge(aPod({ asks, spec: { containers: [{ name: 'c', volumeMounts }] } }));
    const segments = mounts * times * (piece.split('/').length - 1);
    if (admission.outcome === 'injected') assert.ok(steps > segments, `${steps} steps, ${segments} segments`);
    else assert.equal(admission.code, 'POD_TOO_LARGE');
  }
});

test('input 57: lists many times as long as any that can be stored are refused at once', () => {
  const annotations = Object.fromEntries(repeat(100_000, (index) => [`flyte.secrets/sx${index}`, '']));
  const volumeMounts = repeat(80_000, () => ({ name: 'a', mountPath: 'b' }));
  for (const pod of [
    aPod({ asks: [db], spec: { containers: [{ name: 'c', volumeMounts }] } }),
    aPod({ asks: [db], spec: { initContainers: repeat(20_000, () => ({ name: 'aws-pull-secret-1' })) } }),
    aPod({ asks: [db], annotations }),
  ]) {
    assertRefused(judge(pod), 'POD_TOO_LARGE');
  }
});

test('input 62: a body of very many different strings, entries or orders of keys is refused before it is parsed, whatever it is about', (t) => {
  const keys = (count: number): object => Object.fromEntries(repeat(count, (index) => [`k${index}`, '']));
  /** Stands for the many keys, which are written once for all bodies. */
  const many = { '': 'many' };
  const manyWritten = JSON.stringify(keys(100_001));
  const pod = aPod({ asks: [db] });
  const bodies = [
    aReview(aPod({ asks: [db], metadata: { annotations: many } })),
    aReview(aPod({ asks: [db], spec: { containers: [], nodeSelector: many } })),
    aReview({ metadata: { annotations: many } }),
    aReview({ values: repeat(100_001, String) }),
    aReview({ objects: repeat(100_001, (index) => ({ [index]: 0 })) }),
    aReview({ lists: repeat(500_001, () => []) }),
    aReview({ numbers: repeat(1_000_001, () => 0) }),
    aReview({
      orders: repeat(1_500, (turn) =>
        Object.fromEntries(repeat(20, (at) => [`k${(at * (turn + 1)) % 2_003}`, 0])),
      ),
    }),
    aReview(pod, { operation: 'DELETE', options: many }),
    { ...aReview(pod), kind: 'Scale', many },
    many,
  ].map((review) => Buffer.from(JSON.stringify(review).replace(JSON.stringify(many), manyWritten)));
  const parse = t.mock.method(JSON, 'parse');
  for (const body of bodies) {
    const { httpStatus, outcome, code, response } = admit(body, rules);
    assert.deepEqual([httpStatus, outcome, code], [400, 'malformed', 'POD_TOO_LARGE']);
    assert.match(
      JSON.stringify(response),
      /the request has more than [12]0+ (different names and texts|entries|objects of different keys)/,
    );
  }
  assert.equal(parse.mock.callCount(), 0);
  t.mock.reset();
  const served = aPod({ asks: [db], annotations: keys(9_000) as Record<string, string> });
  assert.equal(judge({ ...served, status: repeat(90_000, String) }).admission.outcome, 'injected');
});

test('input 58: many requests against many entries end in an answer before they stall others', () => {
  const asks = groups.map((group) => ({ group, key: 'k', mountRequirement: mountNumber.file }));
  const mounts = repeat(10_000 - asks.length, (index) => ({
    name: 'a',
    mountPath: `/etc/flyte/secrets/g${index}/x/../y`,
  }));
  const manyMounts = judge(aPod({ asks, spec: { containers: [{ name: 'c', volumeMounts: mounts }] } }));
  assert.equal(manyMounts.admission.outcome, 'injected');
  const pulls = repeat(256, (index) => ({ group: 'arn:aws:x', key: `k${index}` }));
  const initContainers = repeat(10_000, () => ({ name: 'aws-pull-secret-1' }));
  assertRefused(judge(aPod({ asks: pulls, spec: { initContainers } }), pullRules), 'POD_TOO_LARGE');
});

test('input 58: names of 500 characters against a policy of a thousand globs end in an answer', () => {
  const policyRules = repeat(200, (index) => ({
    name: `r${index}`,
    groups: repeat(5, (glob) => `*x${index}*y${glob}*`),
    namespaces: ['other'],
  }));
  const policy = { rules: policyRules };
  const asks = repeat(256, (index) => ({
    group: 'x'.repeat(250) + (index % 10),
    key: `${'y'.repeat(240)}${index}`,
  }));
  assertRefused(judge(aPod({ asks }), someRules({ policy }, {})), 'POD_TOO_LARGE');
  const honest = groups.map((group) => ({ group, key: 'k' }));
  const { admission } = judge(aPod({ asks: honest }), someRules({ chain: ['k8s'], policy }, inventory));
  assert.equal(admission.outcome, 'injected');
});

test('all that one pod may ask for is served by every manager, and a second time there is nothing to add', () => {
  const asksOf: Record<string, (index: number) => object> = {
    k8s: (index) => ({ group: `g${index}`, key: 'k', mountRequirement: index % 3 }),
    aws: (index) => ({ group: 'arn:aws:x', key: `k${index}` }),
    gcp: (index) => ({ group: `s${index}`, groupVersion: '1' }),
    azure: (index) => ({ group: `https://v.vault.azure.net/secrets/n${index}` }),
    vault: (index) => ({ group: `secret/data/x${index}`, key: 'k' }),
  };
  for (const [manager, ask] of Object.entries(asksOf)) {
    const by = someRules({ chain: [manager], k8s: { inventory: 'open' } });
    const pod = aPod({
      asks: repeat(256, ask),
      spec: { containers: repeat(100, (index) => ({ name: `c${index}` })) },
    });
    const { admission, steps } = judge(pod, by);
    assert.equal(admission.outcome, 'injected', manager);
    assert.ok(steps < mostSteps / 2, `${manager}: ${steps} steps`);
    assertRepeats(pod, by, { admission, steps });
  }
});

test('256 secrets for 150 containers, the most that can be stored, are served once and again', () => {
  const spec = { containers: repeat(150, (index) => ({ name: `c${index}` })) };
  for (const mountRequirement of [mountNumber.file, mountNumber.env]) {
    const pod = aPod({ asks: groups.map((group) => ({ group, key: 'k', mountRequirement })), spec });
    const first = judge(pod);
    assert.equal(first.admission.outcome, 'injected');
    assert.ok(first.steps < 0.7 * mostSteps, `${first.steps} steps`);
    assertRepeats(pod, rules, first);
  }
});
