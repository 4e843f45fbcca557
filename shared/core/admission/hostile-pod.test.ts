import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inlineProblems } from '#shared/config/inline-problems.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { anAnnotation, aPod, aReview, bytesOf, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import type { Json } from '#testkit/pods/golden-case.ts';
import { podFaults } from '#testkit/pods/pod-faults.ts';
import { type Admission, admit, type Rules } from './admit.ts';

/** The numbered inputs of docs/hostile-input.md that are names and pods. */
const inventory = { global: { files: { 'team/token': 'v' } }, k8s: { ns: { db: ['pass', 'user'] } } };
const rules = someRules({}, inventory);
const db = { group: 'db', key: 'pass' };
const asVariable = { ...db, mountRequirement: mountNumber.env };

const admitPod = (pod: object, request: object = {}, by: Rules = rules): Admission =>
  admit(bytesOf(aReview(pod, request)), by);

/** The pod after the patch; the same question again must bring no second patch, and the pod must be valid. */
function patched(pod: object): Json {
  const after = structuredClone(pod) as unknown as Json;
  const admission = admitPod(pod);
  assert.equal(admission.outcome, 'injected', JSON.stringify(admission.response));
  applyPatch(after, admission.patch);
  assert.deepEqual(admitPod(after).patch, []);
  return after;
}
function assertDenied(admission: Admission, code: string): void {
  assert.equal(admission.code, code);
  assert.deepEqual(admission.patch, []);
  assert.ok('response' in admission.response);
  assert.equal(admission.response.response.status?.code, 400);
}

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
  assert.notDeepEqual(inlineProblems(inline), []);
});
