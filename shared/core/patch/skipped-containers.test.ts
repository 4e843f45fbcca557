import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import type { Json } from '#testkit/pods/golden-case.ts';
import { applyPatch } from './apply-patch.ts';

const inventory = { k8s: { ns: { db: ['k'] } } };
const asks = [
  { group: 'db', key: 'k', mountRequirement: mountNumber.env },
  { group: 'db', key: 'k', mountRequirement: mountNumber.file },
];

/** The answer, and which containers have secrets. */
function answer(names: string[], inits: string[], options: { skip?: string; config?: object } = {}) {
  const spec = {
    containers: names.map((name) => ({ name })),
    initContainers: inits.map((name) => ({ name, restartPolicy: 'Always' })),
  };
  const annotations = options.skip === undefined ? {} : { 'latchkey.dev/skip-containers': options.skip };
  const pod = aPod({ asks, spec, annotations });
  const rules = someRules({ chain: ['k8s'], ...options.config }, inventory);
  const admission: Admission = admitReview(aReview(pod), rules);
  applyPatch(pod, admission.patch);
  assert.deepEqual(admitReview(aReview(pod), rules).patch, []);
  const { spec: after } = pod as unknown as Json;
  const served = [...(after?.containers ?? []), ...(after?.initContainers ?? [])]
    .filter(({ env, volumeMounts }) => env !== undefined || volumeMounts !== undefined)
    .map(({ name }) => name);
  return { admission, served };
}

test('containers that webhooks of meshes and agents have added get no secrets', () => {
  const { served } = answer(
    ['task', 'istio-proxy', 'daprd', 'side'],
    ['istio-init', 'vault-agent-init', 'fetch'],
  );
  assert.deepEqual(served, ['task', 'side', 'fetch']);
});

test('the configuration replaces the list of containers that get no secrets', () => {
  const config = { gateway: { skippedContainers: ['side'] } };
  assert.deepEqual(answer(['task', 'side', 'istio-proxy'], [], { config }).served, ['task', 'istio-proxy']);
});

test('an annotation of the pod names more containers that get no secrets, with a warning where one is not there', () => {
  const { served, admission } = answer(['task', 'side', 'istio-proxy'], ['fetch'], {
    skip: 'side, fetch,other',
  });
  assert.deepEqual(served, ['task']);
  assert.deepEqual(admission.warnings, [
    'annotation latchkey.dev/skip-containers names other, and there is no such container',
  ]);
});

test('an annotation that is no list of names, or leaves no container, is refused', () => {
  const many = Array.from({ length: 33 }, (_, index) => `c${index}`).join();
  for (const skip of [
    '',
    ',',
    'a,',
    'A',
    'a b',
    'a;b',
    '-a',
    'a'.repeat(64),
    many,
    'a,'.repeat(100_000),
    'task',
  ]) {
    const { admission } = answer(['task'], [], { skip });
    assert.deepEqual([admission.code, admission.patch], ['POD_MALFORMED', []], skip.slice(0, 20));
  }
  assert.equal(answer(['istio-proxy'], []).admission.code, 'POD_MALFORMED');
});
