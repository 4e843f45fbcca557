import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { listObjects, readObject } from './read-objects.ts';

const answering = (answer: unknown): Kubernetes => ({
  json: async () => answer,
  stream: () => Promise.reject(new Error('not called')),
  close: () => undefined,
});

const unreadable = { code: 'KUBERNETES_REFUSED', message: /no JSON or not what was asked for/ };
const metadata = { name: 'x' };
const webhook = { name: 'w', clientConfig: {} };
type Resource = Parameters<typeof readObject>[1]['resource'];

/** Lists answers of which one field that is read has another type than the Kubernetes API gives it. */
const wrong: [Resource, unknown][] = [
  ...[null, 5, 'x', [], {}, { metadata: null }, { metadata: { name: { toString: 1 } } }].map(
    (answer): [Resource, unknown] => ['configmaps', answer],
  ),
  ['secrets', { metadata: { ...metadata, annotations: [1] } }],
  ['secrets', { metadata: { ...metadata, labels: 'x' } }],
  ['secrets', { metadata: { ...metadata, managedFields: {} } }],
  ['secrets', { metadata, data: { 'tls.crt': {} } }],
  ['configmaps', { metadata, data: { 'latchkey.yaml': 5 } }],
  ['mutatingwebhookconfigurations', { metadata, webhooks: [null] }],
  ['mutatingwebhookconfigurations', { metadata, webhooks: { a: 1 } }],
  ['mutatingwebhookconfigurations', { metadata, webhooks: [{ name: 'w' }] }],
  ['mutatingwebhookconfigurations', { metadata, webhooks: [{ ...webhook, clientConfig: { caBundle: 5 } }] }],
  ['mutatingwebhookconfigurations', { metadata, webhooks: [{ ...webhook, failurePolicy: { toString: 1 } }] }],
  [
    'mutatingwebhookconfigurations',
    { metadata, webhooks: [{ ...webhook, objectSelector: { matchExpressions: [5] } }] },
  ],
  ['endpointslices', { metadata, endpoints: [null] }],
  ['pods', { metadata: { ...metadata, creationTimestamp: { toString: 1 } } }],
  ['pods', { metadata, status: { conditions: [null] } }],
  ['pods', { metadata, status: { containerStatuses: 5 } }],
  ['leases', { metadata, spec: { holderIdentity: { a: 1 } } }],
  ['leases', { metadata, spec: { renewTime: 5 } }],
];

for (const [resource, answer] of wrong) {
  test(`${resource} that the API server answers as ${JSON.stringify(answer)} are an error`, async () => {
    await assert.rejects(readObject(answering(answer), { resource, name: 'x' }), unreadable);
  });
}

test('a list with an object of other types is an error, one with what is no object is read without it', async () => {
  const page = (items: unknown[]): Kubernetes => answering({ metadata: { resourceVersion: '1' }, items });
  const target = { resource: 'pods' } as const;
  const broken = { metadata, status: { conditions: 5 } };
  await assert.rejects(listObjects(page([{ metadata }, broken]), target, ''), unreadable);
  assert.deepEqual(await listObjects(page([null, 5, { metadata }]), target, ''), [{ metadata }]);
});

test('what Go leaves out or writes as null is read, and fields that nobody reads are whatever they are', async () => {
  const slice = { metadata, endpoints: null, ports: 'x' };
  const target = { resource: 'endpointslices', name: 'x' } as const;
  assert.equal(await readObject(answering(slice), target), slice);
});
