import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeAnnotation } from '#shared/core/flyte/secret-request.ts';
import { vaultReview } from './vault-review.ts';

const reviewOf = (annotations: object, containers: readonly object[] = []): string =>
  JSON.stringify({ request: { uid: 'u', object: { metadata: { annotations }, spec: { containers } } } });

test('Vault’s injector is asked for the same secrets, and other annotations stay', () => {
  const secret = { group: 'team', key: 'token', groupVersion: '', mountRequirement: 2, envVar: '' };
  const annotations = { other: 'stays', 'flyte.secrets/s0': encodeAnnotation(secret) };
  const asked = JSON.parse(vaultReview(reviewOf(annotations)));
  assert.equal(asked.request.uid, 'u');
  assert.deepEqual(asked.request.object.metadata.annotations, {
    other: 'stays',
    'vault.hashicorp.com/agent-inject': 'true',
    'vault.hashicorp.com/agent-inject-secret-0': 'secret/data/team/token',
    'vault.hashicorp.com/role': 'flyte',
  });
});

test('a pod without the token of its ServiceAccount gets one, once', () => {
  const mountsOf = (review: string): unknown[] =>
    JSON.parse(review).request.object.spec.containers.map(
      ({ volumeMounts = [] }: { volumeMounts?: object[] }) => volumeMounts.length,
    );
  const mounted = vaultReview(reviewOf({}, [{ name: 'a' }, { name: 'b' }]));
  assert.deepEqual(mountsOf(mounted), [1, 0]);
  assert.deepEqual(mountsOf(vaultReview(mounted)), [1, 0]);
});
