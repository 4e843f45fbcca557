import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import type { Json } from '#test/golden-case.ts';
import { podFaults } from '#test/golden-pod.ts';
import { anAnnotation, aPod, aReview, bytesOf, mountNumber, someRules } from '#test/pod-builder.ts';
import { type Admission, admit, type Rules } from './admit.ts';
import { encodeBase32 } from './base32.ts';
import { serviceProblems } from './chain-problems.ts';
import { applyPatch } from './json-patch.ts';

/** The numbered inputs of docs/hostile-input.md that reach the decision; the others are in services/gateway/wire.test.ts. */
const inventory = { global: { files: { 'team/token': 'v' } }, k8s: { ns: { db: ['pass', 'user'] } } };
const rules = someRules({}, inventory);
const db = { group: 'db', key: 'pass' };
const asVariable = { ...db, mountRequirement: mountNumber.env };

const admitBytes = (text: string): Admission => admit(Buffer.from(text), rules);
const admitPod = (pod: object, request: object = {}, by: Rules = rules): Admission =>
  admit(bytesOf(aReview(pod, request)), by);
const textOf = (pod: object): string => JSON.stringify(aReview(pod));

/** The pod after the patch; the same question again must bring no second patch, and the pod must be valid. */
function patched(pod: object): Json {
  const after = structuredClone(pod) as unknown as Json;
  const admission = admitPod(pod);
  assert.equal(admission.outcome, 'injected', JSON.stringify(admission.response));
  applyPatch(after, admission.patch);
  assert.deepEqual(admitPod(after).patch, []);
  return after;
}
function assertMalformed(admission: Admission): void {
  assert.equal(admission.httpStatus, 400);
  assert.equal(admission.code, 'REQUEST_MALFORMED');
}
function assertDenied(admission: Admission, code: string, allowedStatus = 400): void {
  assert.equal(admission.code, code);
  assert.deepEqual(admission.patch, []);
  assert.ok('response' in admission.response);
  assert.equal(admission.response.response.status?.code, allowedStatus);
}

test('input 1: what is no JSON, or no object, is a 400', () => {
  const review = textOf(aPod({ asks: [db] }));
  for (const text of ['', 'null', '[]', '"x"', review.slice(0, -1), `${review} x`, `\uFEFF${review}`]) {
    assertMalformed(admitBytes(text));
  }
});

test('input 2: another kind, group or version is a 400 that names the version served', () => {
  const review = aReview(aPod({}));
  for (const over of [{ kind: 'Pod' }, { apiVersion: 'v1' }, { apiVersion: 'admission.k8s.io/v2' }]) {
    const admission = admit(bytesOf({ ...review, ...over }), rules);
    assertMalformed(admission);
    assert.match(JSON.stringify(admission.response), /admission\.k8s\.io\/v1,/);
  }
});

test('input 3: a uid that is missing, empty, too long or no text is a 400 that does not repeat it', () => {
  for (const uid of [undefined, '', 7, null, 'u'.repeat(129)]) {
    const admission = admitPod(aPod({}), { uid });
    assertMalformed(admission);
    assert.ok(!JSON.stringify(admission.response).includes('uuuu'));
  }
});

test('input 10: keys such as __proto__ are data, in the pod and in its maps', () => {
  const text = textOf(aPod({ asks: [db] }))
    .replace('"labels":{', '"labels":{"__proto__":"a","constructor":"b","\\u005f_proto__x":"c",')
    .replace('"annotations":{', '"annotations":{"__proto__":"a","toString":"b",')
    .replace('"spec":{', '"spec":{"nodeSelector":{"__proto__":"a"},"__proto__":{"polluted":true},');
  assert.equal(admitBytes(text).outcome, 'injected');
  assert.equal('polluted' in {}, false);
});

test('input 11: 200,000 levels of nesting are a 400 before anything recurses', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ]) {
    assertMalformed(admitBytes(`{"a":${open?.repeat(200_000)}1${close?.repeat(200_000)}}`));
  }
});

test('input 12: of duplicate keys the last wins, as in the API server', () => {
  const text = textOf(aPod({ asks: [asVariable] }));
  const other = `"flyte.secrets/s0":"${anAnnotation({ ...asVariable, key: 'user' })}"`;
  const admission = admitBytes(
    text.replace(/"flyte\.secrets\/s0":"[a-z0-9]+"/, (first) => `${first},${other}`),
  );
  assert.deepEqual(admission.secrets[0]?.how, ['_FSEC_DB_USER']);
});

test('input 13: more than 256 secrets are denied with a reason, however many annotations there are', () => {
  const value = anAnnotation(db);
  const annotations = Object.fromEntries(
    Array.from({ length: 10_000 }, (_, number) => [`flyte.secrets/s${number}`, value]),
  );
  assertDenied(admitPod(aPod({ annotations })), 'TOO_MANY_SECRETS');
  assert.equal(
    admitPod(aPod({ asks: [db], annotations: { note: 'x'.repeat(256 * 1024) } })).outcome,
    'injected',
  );
});

test('input 14: an annotation that cannot be decoded is named, and nothing of it repeated', () => {
  const invalidUtf8 = encodeBase32(Buffer.from('group: "hunter\xff"', 'latin1'));
  for (const value of ['HUNTER', 'hunter=', 'hunter2!', 'é', encodeBase32('hunter'), invalidUtf8]) {
    const admission = admitPod(aPod({ annotations: { 'flyte.secrets/s4': value } }));
    assertDenied(admission, 'ANNOTATION_MALFORMED');
    const text = JSON.stringify(admission.response);
    assert.match(text, /flyte\.secrets\/s4/);
    assert.doesNotMatch(text, /hunter/i);
  }
});

test('input 15: hostile proto text is denied, or read as Go reads it', () => {
  const hostile = [
    'group: "a" group: "b"',
    'group { }',
    'other: 1',
    'mount_requirement: NONE',
    '{'.repeat(1e5),
  ];
  for (const text of hostile) {
    const annotations = { 'flyte.secrets/s0': encodeBase32(text) };
    assertDenied(admitPod(aPod({ annotations })), 'ANNOTATION_MALFORMED');
  }
  const odd = String.raw`# a comment
    group: 'd' "\x62"; key: "\160\141" 's' "s", mount_requirement: 1`;
  const annotations = { 'flyte.secrets/s0': encodeBase32(odd) };
  assert.deepEqual(admitPod(aPod({ annotations })).secrets[0]?.how, ['_FSEC_DB_PASS']);
  const long = { 'flyte.secrets/s0': encodeBase32(`group: "${'x'.repeat(200 * 1024)}" key: "k"`) };
  assertDenied(admitPod(aPod({ annotations: long })), 'NAME_IMPOSSIBLE');
});

test('input 16: names that would escape their place are denied by every manager', () => {
  const groups = ['..', '../x', 'a/../b', 'a\nb', 'a}}b', 'a"b', "a'b", 'a`b', '$(x)', 'é', 'a b', ''];
  for (const manager of ['global', 'k8s', 'aws', 'gcp', 'vault', 'azure']) {
    const only = someRules({ chain: [manager] }, inventory);
    for (const group of groups) {
      const admission = admitPod(aPod({ asks: [{ group, key: 'k', groupVersion: '1' }] }), {}, only);
      assert.ok(
        admission.code === 'NAME_IMPOSSIBLE' || admission.code === 'FIELD_MISSING',
        `${manager} ${group}`,
      );
    }
  }
  const long = 'g'.repeat(200);
  const known = someRules({ chain: ['k8s'] }, { k8s: { ns: { [long]: ['k'] } } });
  const volumes = JSON.stringify(admitPod(aPod({ asks: [{ group: long, key: 'k' }] }), {}, known).patch);
  assert.match(volumes, /"name":"s-[0-9a-f]{16}"/);
});

test('input 17: a secret asked twice, or as file and variable, is injected once each, in the order of the numbers', () => {
  const annotations = {
    'flyte.secrets/s10': anAnnotation(asVariable),
    'flyte.secrets/s2': anAnnotation({ ...asVariable, key: 'user' }),
    'flyte.secrets/s1': anAnnotation(asVariable),
    'flyte.secrets/s3': anAnnotation(db),
  };
  const names = (patched(aPod({ annotations })).spec?.containers?.[0]?.env ?? []).map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => name?.startsWith('_FSEC_')),
    ['_FSEC_DB_PASS', '_FSEC_DB_USER'],
  );
  const clash = [asVariable, { ...asVariable, key: 'user', envVar: '_FSEC_DB_PASS' }];
  assertDenied(admitPod(aPod({ asks: clash })), 'VARIABLE_CLASH');
});

test('input 18: containers of every kind and number get a patch that applies', () => {
  const main = { name: 'main', image: 'i' };
  const many = Array.from({ length: 500 }, (_, index) => ({ ...main, name: `c${index}` }));
  const specs = [
    { containers: [{ ...main, env: null, volumeMounts: null }] },
    { containers: [{ ...main, env: [], volumeMounts: [] }], volumes: null, initContainers: null },
    { containers: [main], initContainers: [{ name: 'side', image: 'i', restartPolicy: 'Always' }] },
    { containers: [main], ephemeralContainers: [{ name: 'debug', image: 'i' }] },
    { containers: many },
    { containers: [] },
  ];
  for (const spec of specs) {
    const pod = patched(aPod({ asks: [db, asVariable], spec }));
    assert.deepEqual(podFaults(pod), []);
  }
});

test('input 19: our volume name or mount path in use for something else is never overwritten', () => {
  const spec = {
    containers: [{ name: 'main', volumeMounts: [{ name: 'mine', mountPath: '/etc/flyte/secrets/db' }] }],
    volumes: [{ name: 'mine', emptyDir: {} }],
  };
  assertDenied(admitPod(aPod({ asks: [db], spec })), 'PATH_CLASH');
  const first = patched(aPod({ asks: [db] })).spec?.volumes?.[0]?.name;
  const taken = patched(
    aPod({ asks: [db], spec: { containers: [{ name: 'main' }], volumes: [{ name: first, emptyDir: {} }] } }),
  );
  assert.deepEqual(taken.spec?.volumes?.[0], { name: first, emptyDir: {} });
  assert.equal(taken.spec?.volumes?.[1]?.name, `${first}-2`);
});

test("input 20: a variable of the user's stays, also one that moves all secrets, and a warning names what it hides", () => {
  for (const name of ['_FSEC_DB_PASS', 'FLYTE_SECRETS_ENV_PREFIX']) {
    const spec = { containers: [{ name: 'main', env: [{ name, value: 'mine' }] }] };
    const { outcome, warnings } = admitPod(aPod({ asks: [asVariable], spec }));
    assert.equal(outcome, 'injected');
    assert.deepEqual(warnings, [`${name} of container main hides secret db/pass`]);
  }
});

test('input 21: pods without metadata, spec, annotations or name are answered, the namespace being the request’s', () => {
  for (const pod of [
    {},
    { metadata: null },
    { metadata: {}, spec: null },
    aPod({ metadata: { annotations: null } }),
  ]) {
    assert.equal(admitPod(pod).outcome, 'nothing-asked');
  }
  const generated = aPod({ asks: [db] }) as { metadata: { name?: string; generateName?: string } };
  delete generated.metadata.name;
  generated.metadata.generateName = 'task-';
  assert.equal(admitPod(generated, { name: '' }).outcome, 'injected');
});

test('input 22: label without annotations, or annotations without label: allowed, no patch', () => {
  for (const pod of [aPod({}), aPod({ asks: [db], metadata: { labels: {} } })]) {
    const admission = admitPod(pod);
    assert.equal(admission.outcome, 'nothing-asked');
    assert.deepEqual(admission.response, {
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      response: { uid: 'uid-1', allowed: true },
    });
  }
});

test('input 23: mirror pods, other verbs, subresources and kinds: allowed, no patch', () => {
  const pod = aPod({ asks: [db] });
  const requests = [
    { operation: 'DELETE', object: null },
    { operation: 'CONNECT', object: null },
    { operation: 'UPDATE' },
    { subResource: 'binding' },
    { kind: { group: 'apps', version: 'v1', kind: 'Deployment' } },
  ];
  for (const request of requests) assert.equal(admitPod(pod, request).outcome, 'not-applicable');
  const mirror = aPod({ asks: [db], annotations: { 'kubernetes.io/config.mirror': 'x' } });
  assert.deepEqual(admitPod(mirror).patch, []);
});

test('input 24: whoever asks gets references and no value, and inline delivery does not start unguarded', () => {
  const values = someRules({}, { global: { files: { 'team/token': 'the-value' } }, k8s: { ns: {} } });
  const asks = [{ group: 'team', key: 'token', mountRequirement: mountNumber.env }];
  const admission = admitPod(aPod({ asks }), {}, values);
  assert.equal(admission.outcome, 'injected');
  assert.doesNotMatch(JSON.stringify(admission), /the-value/);
  const inline = latchkeyConfigSchema.parse({ global: { delivery: 'inline' } });
  assert.notDeepEqual(serviceProblems(inline), []);
});
