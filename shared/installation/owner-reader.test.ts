import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { refusedError } from '#shared/kubernetes/requests/kubernetes-call.ts';
import { createOwnerReader, ownerName, planOwner } from './owner-reader.ts';
import { pausedAnnotation } from './webhook-configuration.ts';

const path = `/apis/rbac.authorization.k8s.io/v1/clusterroles/${ownerName}`;
const ownerWith = (uid: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  name: ownerName,
  uid,
});

test('an owner that is gone, or may not be read any more, is remembered; a new one takes its place', async () => {
  let answer: string | 403 | 404 = 404;
  const json: Kubernetes['json'] = async (call) => {
    assert.equal(call.path, path);
    if (typeof answer === 'number') throw refusedError(call, { statusCode: answer });
    return { metadata: { name: ownerName, uid: answer } };
  };
  const readOwner = createOwnerReader({ json } as Kubernetes);
  assert.equal(await readOwner(), undefined);
  answer = 'first';
  assert.deepEqual(await readOwner(), ownerWith('first'));
  for (answer of [403, 404] as const) assert.deepEqual(await readOwner(), ownerWith('first'));
  answer = 'second';
  assert.deepEqual(await readOwner(), ownerWith('second'));
});

test('an object of ours gets its owner beside those that it has, and one of others none', () => {
  const metadata = { name: '0-latchkey', labels: ownObjectLabel, resourceVersion: '7' };
  const manage = { manage: true };
  const owner = ownerWith('new');
  const add = (value: object[]) => [
    { op: 'test', path: '/metadata/resourceVersion', value: '7' },
    { op: 'add', path: '/metadata/ownerReferences', value },
  ];
  assert.deepEqual(planOwner({ metadata }, owner, manage), add([owner]));
  assert.deepEqual(planOwner({ metadata }, undefined, manage), []);
  assert.deepEqual(planOwner({ metadata: { name: 'flyte-pod-webhook' } }, owner, manage), []);
  assert.deepEqual(planOwner({ metadata: { ...metadata, ownerReferences: [owner] } }, owner, manage), []);
  assert.deepEqual(planOwner({ metadata }, owner, { manage: false }), []);
  const annotations = { [pausedAnnotation]: '' };
  assert.deepEqual(planOwner({ metadata: { ...metadata, annotations } }, owner, manage), []);
  const other = { ...owner, kind: 'Application', name: 'flyte', uid: 'other' };
  const ownerReferences = [other, ownerWith('old')];
  assert.deepEqual(
    planOwner({ metadata: { ...metadata, ownerReferences } }, owner, manage),
    add([other, owner]),
  );
});
