import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Recipe } from '#shared/contracts/rules/rule-recipe.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';
import { type Admission, admitReview } from './admit.ts';

/** A manager whose secrets a container fetches before the task starts: every kind of edit in one recipe. */
const recipe: Recipe = {
  schema: 1,
  manager: 'puller',
  description: 'pulled secret "${group}/${key}"',
  scope: 'cluster',
  inventory: 'open',
  fields: { group: { required: true, format: 'arn' }, key: { required: true, format: 'path-segment' } },
  mounts: { accepts: ['file'], any: 'file' },
  lookup: [],
  edits: {
    env: [],
    file: [
      { env: { name: 'FLYTE_SECRETS_DEFAULT_DIR', value: '/secrets' } },
      { volume: { name: 'pulled', emptyDir: { medium: 'Memory' } } },
      { volumeMount: { name: 'pulled', mountPath: '/secrets', readOnly: true } },
      {
        initContainer: {
          name: 'pull',
          image: 'puller:1',
          env: [{ name: 'ARN', value: '${group|trimEnd::}:${key}' }],
          volumeMounts: [{ name: 'pulled', mountPath: '/tmp' }],
          resources: { limits: { memory: '500Mi' } },
        },
      },
      { annotation: { name: 'puller/role', value: 'flyte' } },
      { annotation: { name: 'puller/secret-${id}', value: '${group}' } },
    ],
  },
};
const index = createRuleIndex();
index.apply('puller', [{ key: { owner: 'puller', kind: 'recipe' }, value: recipe }]);

interface Patched {
  metadata: { annotations: Record<string, string> };
  spec: Record<'volumes' | 'initContainers' | 'containers', Record<string, unknown>[]>;
}

function inject(pod: object): { admission: Admission; pod: Patched } {
  const after = structuredClone(pod);
  const admission = admitReview(aReview(after), { ...someRules(), index, chain: ['puller'] });
  applyPatch(after, admission.patch);
  return { admission, pod: after as Patched };
}

const asks = [
  { group: 'arn:aws:a:', key: 'k' },
  { group: 'plain', key: 'k' },
];

test('pull containers go first, in order, and share one volume with the task', () => {
  const { pod } = inject(aPod({ asks, spec: { initContainers: [{ name: 'mine' }] } }));
  const { initContainers, volumes, containers } = pod.spec;
  assert.deepEqual(
    initContainers.map(({ name }) => name),
    ['pull-1', 'pull-2', 'mine'],
  );
  assert.deepEqual(initContainers[0]?.env, [{ name: 'ARN', value: 'arn:aws:a:k' }]);
  assert.deepEqual(initContainers[1]?.env, [{ name: 'ARN', value: 'plain:k' }]);
  assert.deepEqual(volumes, [{ name: 'pulled', emptyDir: { medium: 'Memory' } }]);
  const mount = { name: 'pulled', readOnly: true, mountPath: '/secrets' };
  for (const container of [initContainers[2], containers[0]])
    assert.deepEqual(container?.volumeMounts, [mount]);
});

test('a pod with its pull containers is left alone, also without init containers of its own', () => {
  for (const spec of [{}, { initContainers: [{ name: 'mine' }] }]) {
    const { pod } = inject(aPod({ asks, spec }));
    assert.deepEqual(inject(pod).admission.patch, []);
  }
});

test('the pull container mounts our volume under the name that was free', () => {
  const { pod } = inject(
    aPod({ asks: asks.slice(1), spec: { volumes: [{ name: 'pulled', hostPath: {} }] } }),
  );
  assert.deepEqual(pod.spec.initContainers[0]?.volumeMounts, [{ name: 'pulled-2', mountPath: '/tmp' }]);
  assert.deepEqual(inject(pod).admission.patch, []);
});

test("annotations are added, but the pod's own win", () => {
  const { pod } = inject(aPod({ asks, annotations: { 'puller/role': 'mine' } }));
  const { annotations } = pod.metadata;
  assert.equal(annotations['puller/role'], 'mine');
  const added = Object.entries(annotations).filter(([name]) => name.startsWith('puller/secret-'));
  assert.deepEqual(
    added.map(([, value]) => value),
    ['arn:aws:a:', 'plain'],
  );
});

test('a name that the pod has given away already is passed over', () => {
  const spec = {
    initContainers: [{ name: 'pull-1', image: 'other' }],
    containers: [{ name: 'pull-3', image: 'img' }],
  };
  const { pod } = inject(aPod({ asks, spec }));
  assert.deepEqual(
    pod.spec.initContainers.map(({ name }) => name),
    ['pull-2', 'pull-4', 'pull-1'],
  );
  assert.deepEqual(inject(pod).admission.patch, []);
});

test('one secret asked twice is pulled twice, as by Flyte, and the second pass knows both', () => {
  const { pod } = inject(aPod({ asks: [...asks.slice(0, 1), ...asks.slice(0, 1)] }));
  assert.equal(pod.spec.initContainers.length, 2);
  assert.deepEqual(inject(pod).admission.patch, []);
});

test('what the API server and other webhooks make of a pull container does not make a second one', () => {
  const { pod } = inject(aPod({ asks }));
  const rewritten: Patched = JSON.parse(JSON.stringify(pod).replaceAll('500Mi', '524288000'));
  for (const container of rewritten.spec.initContainers) {
    const { env, volumeMounts } = container as Record<'env' | 'volumeMounts', object[]>;
    env.unshift({ name: 'AWS_ROLE_ARN', value: 'arn' });
    volumeMounts.push({
      name: 'kube-api-access',
      mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
    });
    Object.assign(container, { imagePullPolicy: 'IfNotPresent', terminationMessagePath: '/dev/log' });
  }
  assert.deepEqual(inject(rewritten).admission.patch, []);
});
