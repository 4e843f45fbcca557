import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anAnnotation, aPod, aReview, bytesOf, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { type Admission, admit } from './admit.ts';

const rules = someRules(
  {},
  { global: { env: { FLYTE_SECRET_TEAM_TOKEN: 'v' } }, k8s: { ns: { db: ['pass'] } } },
);
const db = { group: 'db', key: 'pass', mountRequirement: mountNumber.env };

function answerOf(admission: Admission): {
  uid: string;
  allowed: boolean;
  status?: { code: number; message: string };
} {
  assert.ok('response' in admission.response);
  return admission.response.response;
}
const denialOf = (pod: unknown): string => {
  const admission = admit(bytesOf(aReview(pod)), rules);
  const { allowed, status } = answerOf(admission);
  assert.equal(allowed, false);
  return `${status?.code} ${admission.code} ${status?.message}`;
};

test('a pod that asks for a secret gets one patch, and the answer repeats the uid', () => {
  const admission = admit(bytesOf(aReview(aPod({ asks: [db] }))), rules);
  assert.equal(admission.httpStatus, 200);
  assert.equal(admission.outcome, 'injected');
  assert.equal(answerOf(admission).uid, 'uid-1');
  assert.deepEqual(admission.secrets[0]?.how, ['_FSEC_DB_PASS']);
  assert.equal(admission.secrets[0]?.manager, 'k8s');
});

test('what is not an admission review is answered with 400 that repeats nothing of it', () => {
  const good = aReview(aPod({}));
  const bodies: (string | object)[] = [
    '',
    'null',
    '[]',
    '"x"',
    JSON.stringify(good).slice(0, -1),
    `${JSON.stringify(good)}x`,
    `\uFEFF${JSON.stringify(good)}`,
    { ...good, apiVersion: 'admission.k8s.io/v1beta1' },
    { ...good, apiVersion: 'admission.k8s.io/v2' },
    { ...good, kind: 'Pod' },
    { ...good, request: null },
    aReview(aPod({}), { uid: '' }),
    aReview(aPod({}), { uid: 7 }),
    aReview(aPod({}), { uid: 'secret'.repeat(100) }),
    aReview(aPod({}), { operation: undefined }),
  ];
  for (const body of bodies) {
    const admission = admit(typeof body === 'string' ? Buffer.from(body) : bytesOf(body), rules);
    assert.equal(admission.httpStatus, 400);
    assert.equal(admission.outcome, 'malformed');
    assert.ok(!('response' in admission.response));
    assert.ok(Buffer.byteLength(admission.response.message) < 200);
    assert.ok(!admission.response.message.includes('secret'));
  }
});

test('a body that is nested too deep or not UTF-8 is refused before anything recurses', () => {
  const deep = `{"apiVersion":${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
  assert.equal(admit(Buffer.from(deep), rules).code, 'REQUEST_MALFORMED');
  assert.equal(admit(Buffer.from('{"a":"\xff"}', 'latin1'), rules).code, 'REQUEST_MALFORMED');
  const brackets = aPod({ annotations: { note: '[[{{'.repeat(100) } });
  assert.equal(admit(bytesOf(aReview(brackets)), rules).outcome, 'nothing-asked');
});

test('what is not the creation of a pod is let through untouched', () => {
  const pod = aPod({ asks: [db] });
  const others = [
    { operation: 'DELETE', object: null },
    { operation: 'UPDATE' },
    { operation: 'CONNECT', object: null },
    { subResource: 'binding' },
    { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
    { resource: { group: 'apps', version: 'v1', resource: 'deployments' } },
  ];
  for (const other of others) {
    const admission = admit(bytesOf(aReview(pod, other)), rules);
    assert.equal(admission.outcome, 'not-applicable');
    assert.deepEqual(answerOf(admission), { uid: 'uid-1', allowed: true });
  }
});

test('pods that do not ask are let through: no label, no annotations, mirror pods, no metadata', () => {
  const mirror = aPod({ asks: [db], annotations: { 'kubernetes.io/config.mirror': 'x' } });
  const pods = [
    aPod({ asks: [db], metadata: { labels: {} } }),
    aPod({ metadata: { annotations: null } }),
    mirror,
  ];
  for (const pod of [...pods, {}, { spec: {} }, { metadata: null, spec: null }]) {
    const admission = admit(bytesOf(aReview(pod)), rules);
    assert.equal(admission.outcome, 'nothing-asked');
    assert.deepEqual(admission.patch, []);
  }
});

test("a pod that cannot be read is refused without the label too, as by Flyte's webhook", () => {
  const pod = aPod({ metadata: { labels: {} }, spec: { containers: 'x' } });
  assert.match(denialOf(pod), /^400 POD_MALFORMED .*spec\.containers/);
});

test('keys such as __proto__ are data and pollute nothing', () => {
  const body = JSON.stringify(aReview(aPod({ asks: [db] }))).replace(
    '"labels":{',
    '"labels":{"__proto__":"x","constructor":"y",',
  );
  const polluted = body.replace('"spec":{', '"spec":{"__proto__":{"polluted":1},');
  assert.equal(admit(Buffer.from(polluted), rules).outcome, 'injected');
  assert.equal(Object.hasOwn(Object.prototype, 'polluted'), false);
});

test('a missing secret is a 404 that says what was looked for, where, and what is like it', () => {
  const message = denialOf(aPod({ asks: [{ group: 'db', key: 'Pass' }] }));
  assert.match(message, /^404 SECRET_NOT_FOUND/);
  for (const part of [/namespace "ns"/, /global secret "db\/Pass"/, /Did you mean "db\/pass"/]) {
    assert.match(message, part);
  }
});

test('a namespace that is not known is a 503 that names the manager', () => {
  const admission = admit(bytesOf(aReview(aPod({ asks: [db] }), { namespace: 'new' })), rules);
  assert.equal(admission.code, 'RULES_UNKNOWN');
  assert.match(
    answerOf(admission).status?.message ?? '',
    /manager global .*"new".*latchkey\.dev\/secrets=enabled/,
  );
});

test('one bad request denies the pod, the one that fails for good before the one that may pass', () => {
  const message = denialOf(aPod({ asks: [db, { group: 'absent', key: 'k' }, { key: 'k' }] }));
  assert.match(message, /^400 FIELD_MISSING .*s2.*1 more/);
});

test('a bad annotation is named without its content', () => {
  const message = denialOf(aPod({ annotations: { 'flyte.secrets/s3': 'hunter2!' } }));
  assert.match(message, /^400 ANNOTATION_MALFORMED .*flyte\.secrets\/s3/);
  assert.ok(!message.includes('hunter2'));
});

test('a pod of wrong types is a 400 that names the field', () => {
  const specs = [
    { containers: 'x' },
    { containers: [null] },
    { containers: [{ env: {} }] },
    { containers: [{ volumeMounts: ['x'] }] },
    { initContainers: 5 },
    { volumes: [[]] },
  ];
  for (const spec of specs) assert.match(denialOf(aPod({ asks: [db], spec })), /^400 POD_MALFORMED .*spec\./);
  assert.match(denialOf(aPod({ metadata: { annotations: { a: 1 } } })), /^400 POD_MALFORMED .*annotations/);
});

test('more than 256 secrets are refused, however they are numbered', () => {
  const value = anAnnotation(db);
  const annotations = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`flyte.secrets/s${index}`, value]));
  assert.match(denialOf(aPod({ annotations: annotations(257) })), /^400 TOO_MANY_SECRETS/);
  assert.equal(admit(bytesOf(aReview(aPod({ annotations: annotations(256) }))), rules).outcome, 'injected');
});

test("the request's namespace counts, and a pod that says another is warned", () => {
  const pod = aPod({
    asks: [db],
    metadata: { namespace: 'other', annotations: { 'flyte.secrets/s0': anAnnotation(db) } },
  });
  const admission = admit(bytesOf(aReview(pod)), rules);
  assert.equal(admission.outcome, 'injected');
  assert.match(admission.warnings[0] ?? '', /"ns".*"other"/);
  assert.equal(admit(bytesOf(aReview(pod, { namespace: undefined })), rules).code, 'RULES_UNKNOWN');
});

test('the traces of the rules that were used are reported once each', () => {
  const traced = someRules({}, { k8s: { ns: { db: ['pass'] } } });
  const key = { owner: 'k8s', kind: 'entry', namespace: 'ns', secret: 'db' } as const;
  traced.index.apply('k8s', [
    { key, value: { schema: 1, items: { 'db/pass': {} } }, traceparent: 'trace-1' },
  ]);
  const admission = admit(bytesOf(aReview(aPod({ asks: [db, { ...db, mountRequirement: 2 }] }))), traced);
  assert.deepEqual(admission.ruleTraceparents, ['trace-1']);
});

test('a secret is injected although an earlier manager is stale, with a warning; one that nobody has is 503', () => {
  const rules = {
    ...someRules({}, { k8s: { ns: { db: ['pass'] } } }),
    isStale: (manager: string) => manager === 'global',
  };
  const admission = admit(bytesOf(aReview(aPod({ asks: [db] }))), rules);
  assert.equal(admission.outcome, 'injected');
  assert.match(admission.warnings[0] ?? '', /manager global was not heard/);
  const absent = admit(bytesOf(aReview(aPod({ asks: [{ ...db, group: 'absent' }] }))), rules);
  assert.equal(absent.code, 'RULES_UNKNOWN');
});

test('a stale manager still injects, with a warning', () => {
  const admission = admit(bytesOf(aReview(aPod({ asks: [db] }))), {
    ...someRules({ chain: ['k8s'] }, { k8s: { ns: { db: ['pass'] } } }),
    isStale: () => true,
  });
  assert.equal(admission.outcome, 'injected');
  assert.match(admission.warnings[0] ?? '', /k8s/);
});

test('the secrets of one pod share what may be spent on similar names', () => {
  const stem = 'k'.repeat(80);
  const team = Array.from({ length: 4_000 }, (_, index) => `${stem}${index + 1_000}`);
  const crowded = someRules({}, { k8s: { ns: { db: ['pass'], team } } });
  const missing = [
    { group: 'team', key: `${stem}zzzz` },
    { group: 'db', key: 'pas' },
  ];
  const suggests = (asks: object[]): boolean =>
    (answerOf(admit(bytesOf(aReview(aPod({ asks }))), crowded)).status?.message ?? '').includes('db/pass"');
  assert.equal(suggests(missing.slice(1)), true);
  assert.equal(suggests(missing), false);
});
