import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import type { MutatingWebhook } from '#shared/kubernetes/webhook-configurations.ts';
import {
  desiredConfiguration,
  desiredWebhook,
  pausedAnnotation,
  planRepair,
  trustedBundle,
  webhookName,
} from './webhook-configuration.ts';

const webhookConfig = (webhook: object = {}) => latchkeyConfigSchema.parse({ webhook }).webhook;
const config = webhookConfig({ excludedNamespaces: ['nats', 'latchkey'] });
const ours = desiredWebhook(config, 'latchkey', 'PEM');
const foreign: MutatingWebhook = { name: 'other.example.org', clientConfig: {} };
const stored = (webhooks: MutatingWebhook[], annotations: Record<string, string> = {}) => ({
  metadata: { name: 'latchkey', resourceVersion: '7', annotations },
  webhooks,
});
const repair = (webhooks: MutatingWebhook[], options = config) =>
  planRepair(stored(webhooks), options, 'latchkey', 'PEM');
const sameObject = { op: 'test', path: '/metadata/resourceVersion', value: '7' };

test('the webhook is the one of the design, field by field', () => {
  assert.deepEqual(desiredConfiguration(config, 'latchkey', 'PEM').webhooks, [
    {
      name: 'flyte-pod-webhook.flyte.org',
      admissionReviewVersions: ['v1'],
      clientConfig: {
        service: { namespace: 'latchkey', name: 'flyte-pod-webhook', path: '/mutate--v1-pod', port: 443 },
        caBundle: 'UEVN',
      },
      rules: [
        {
          apiGroups: [''],
          apiVersions: ['v1'],
          operations: ['CREATE'],
          resources: ['pods'],
          scope: 'Namespaced',
        },
      ],
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      objectSelector: { matchLabels: { 'inject-flyte-secrets': 'true' } },
      namespaceSelector: {
        matchExpressions: [
          {
            key: 'kubernetes.io/metadata.name',
            operator: 'NotIn',
            values: ['kube-system', 'latchkey', 'nats'],
          },
        ],
      },
      sideEffects: 'None',
      timeoutSeconds: 5,
      reinvocationPolicy: 'Never',
    },
  ]);
});

test('a URL takes the place of the Service, with the path when it has none', () => {
  const clientConfig = (url: string) =>
    desiredWebhook(webhookConfig({ url }), 'latchkey', 'PEM').clientConfig;
  assert.deepEqual(clientConfig('https://localhost:9443'), {
    url: 'https://localhost:9443/mutate--v1-pod',
    caBundle: 'UEVN',
  });
  assert.equal(clientConfig('https://gateway.example/flyte').url, 'https://gateway.example/flyte');
});

test('what is right is left alone, whatever stands beside it', () => {
  assert.deepEqual(repair([foreign, ours]), []);
});

test('drift is replaced where it stands, if it still stands there', () => {
  assert.deepEqual(repair([foreign, { ...ours, failurePolicy: 'Ignore' }]), [
    sameObject,
    { op: 'test', path: '/webhooks/1/name', value: webhookName },
    { op: 'replace', path: '/webhooks/1', value: ours },
  ]);
});

test('a webhook that was removed is added', () => {
  assert.deepEqual(repair([foreign]), [sameObject, { op: 'add', path: '/webhooks/-', value: ours }]);
  assert.deepEqual(repair([]), [sameObject, { op: 'add', path: '/webhooks', value: [ours] }]);
});

test('without manage only the bundle is kept', () => {
  const unmanaged = webhookConfig({ manage: false });
  const theirs = { ...ours, failurePolicy: 'Ignore', clientConfig: { url: 'https://gateway.example/' } };
  assert.deepEqual(repair([theirs], unmanaged), [
    sameObject,
    { op: 'test', path: '/webhooks/0/name', value: webhookName },
    { op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: 'UEVN' },
  ]);
  assert.deepEqual(repair([foreign], unmanaged), []);
});

test('paused means that nothing is repaired', () => {
  assert.deepEqual(planRepair(stored([], { [pausedAnnotation]: '' }), config, 'latchkey', 'PEM'), []);
});

test('the trusted bundle is that of our webhook', () => {
  assert.equal(trustedBundle(stored([foreign, ours])), 'PEM');
  assert.equal(trustedBundle(stored([foreign])), undefined);
  assert.equal(trustedBundle(undefined), undefined);
});
