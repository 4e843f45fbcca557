import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBase32 } from '#shared/core/flyte/base32.ts';
import { anAnnotation, aPod, aReview, bytesOf, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { type Admission, admit } from './admit.ts';

/** The numbered inputs of docs/hostile-input.md that are requests and annotations. */
const inventory = { global: { files: { 'team/token': 'v' } }, k8s: { ns: { db: ['pass', 'user'] } } };
const rules = someRules({}, inventory);
const db = { group: 'db', key: 'pass' };
const asVariable = { ...db, mountRequirement: mountNumber.env };

const admitBytes = (text: string): Admission => admit(Buffer.from(text), rules);
const admitPod = (pod: object, request: object = {}): Admission =>
  admit(bytesOf(aReview(pod, request)), rules);
const textOf = (pod: object): string => JSON.stringify(aReview(pod));

function assertMalformed(admission: Admission): void {
  assert.equal(admission.httpStatus, 400);
  assert.equal(admission.code, 'REQUEST_MALFORMED');
}
function assertDenied(admission: Admission, code: string): void {
  assert.equal(admission.code, code);
  assert.deepEqual(admission.patch, []);
  assert.ok('response' in admission.response);
  assert.equal(admission.response.response.status?.code, 400);
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
