import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
import type { MutatingWebhook } from '#shared/kubernetes/objects/webhook-configurations.ts';
import { adoptionProblem, webhookAdoptionAnnotation } from './webhook-adoption.ts';
import {
  desiredWebhook,
  desiredWebhookConfiguration,
  pausedAnnotation,
  planRepair,
  repairedFields,
  skipReason,
  trustedBundle,
  webhookName,
} from './webhook-configuration.ts';

const webhookConfig = (webhook: object = {}) => latchkeyConfigSchema.parse({ webhook }).webhook;
const config = webhookConfig({ excludedNamespaces: ['nats', 'latchkey'] });
const ours = desiredWebhook(config, 'latchkey', 'PEM');
const foreign: MutatingWebhook = { name: 'other.example.org', clientConfig: {} };
/** As Flyte's own webhook registers itself (flytepropeller/pkg/webhook/pod.go): its entry has the name of ours. */
const flytes: MutatingWebhook = {
  name: webhookName,
  clientConfig: { service: { namespace: 'flyte', name: 'flyte-pod-webhook', port: 443 }, caBundle: 'Rg==' },
  failurePolicy: 'Ignore',
  sideEffects: 'NoneOnDryRun',
  admissionReviewVersions: ['v1'],
};
const adopting = { ...config, adopt: true };
const stored = (webhooks: MutatingWebhook[], annotations: Record<string, string> = {}) => ({
  metadata: { name: 'latchkey', resourceVersion: '7', annotations },
  webhooks,
});
const repair = (webhooks: MutatingWebhook[], options = config) =>
  planRepair(stored(webhooks), options, 'latchkey', 'PEM');
const sameObject = { op: 'test', path: '/metadata/resourceVersion', value: '7' };

test('the webhook is the one of the design, field by field', () => {
  assert.deepEqual(desiredWebhookConfiguration(config, 'latchkey', 'PEM').webhooks, [
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
    { op: 'add', path: '/webhooks/1/failurePolicy', value: 'Fail' },
  ]);
});

test('a field that others added to the entry is taken away, a new bundle is written by itself', () => {
  assert.deepEqual(repair([{ ...ours, matchConditions: [{ name: 'x', expression: 'false' }] }]).slice(2), [
    { op: 'remove', path: '/webhooks/0/matchConditions' },
  ]);
  const old = { ...ours, clientConfig: { ...ours.clientConfig, caBundle: 'T0xE' } };
  assert.deepEqual(repair([old]).slice(2), [
    { op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: 'UEVN' },
  ]);
});

test('terms that a platform adds to a selector are lived with, and stay when ours are put right', () => {
  const platform = [
    { key: 'control-plane', operator: 'NotIn', values: ['true'] },
    { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'gke-managed-system'] },
  ];
  const { matchExpressions = [] } = ours.namespaceSelector as { matchExpressions: object[] };
  const edited = { ...ours, namespaceSelector: { matchExpressions: [...platform, ...matchExpressions] } };
  assert.deepEqual(repair([edited]), []);
  const labelled = { matchLabels: { 'inject-flyte-secrets': 'true', 'admission.example/on': 'yes' } };
  assert.deepEqual(repair([{ ...edited, objectSelector: labelled }]), []);
  const earlier = desiredWebhook(webhookConfig({ excludedNamespaces: ['gone'] }), 'latchkey', 'PEM');
  const { matchExpressions: old = [] } = earlier.namespaceSelector as { matchExpressions: object[] };
  assert.deepEqual(
    repair([{ ...ours, namespaceSelector: { matchExpressions: [...old, ...platform] } }]).slice(2),
    [
      {
        op: 'add',
        path: '/webhooks/0/namespaceSelector',
        value: { matchExpressions: [...matchExpressions, ...platform] },
      },
    ],
  );
  assert.deepEqual(repair([{ ...ours, objectSelector: {} }]).slice(2), [
    { op: 'add', path: '/webhooks/0/objectSelector', value: ours.objectSelector },
  ]);
});

test('a field that is deferred is left, the others are put right', () => {
  const drifted = { ...ours, failurePolicy: 'Ignore', timeoutSeconds: 1 };
  const deferred = new Set(['webhooks.failurePolicy']);
  const operations = planRepair(stored([drifted]), config, 'latchkey', 'PEM', deferred);
  assert.deepEqual(repairedFields(operations), ['webhooks.timeoutSeconds']);
  const all = new Set(['webhooks.failurePolicy', 'webhooks.timeoutSeconds']);
  assert.deepEqual(planRepair(stored([drifted]), config, 'latchkey', 'PEM', all), []);
});

test('an entry is adopted with the memory of it or not at all, whatever is deferred', () => {
  for (const field of ['webhooks', 'metadata.annotations']) {
    assert.deepEqual(planRepair(stored([flytes]), adopting, 'latchkey', 'PEM', new Set([field])), []);
  }
});

test('a webhook that was removed is added', () => {
  assert.deepEqual(repair([foreign]), [sameObject, { op: 'add', path: '/webhooks/-', value: ours }]);
  assert.deepEqual(repair([]), [sameObject, { op: 'add', path: '/webhooks', value: [ours] }]);
});

test('without manage only the bundle is kept', () => {
  const unmanaged = webhookConfig({ manage: false, url: 'https://gateway.example' });
  const theirs = { ...ours, failurePolicy: 'Ignore', clientConfig: { url: 'https://gateway.example/' } };
  assert.deepEqual(repair([theirs], unmanaged), [
    sameObject,
    { op: 'test', path: '/webhooks/0/name', value: webhookName },
    { op: 'add', path: '/webhooks/0/clientConfig/caBundle', value: 'UEVN' },
  ]);
  assert.deepEqual(repair([foreign], unmanaged), []);
});

test('without manage an entry that calls somebody else is refused with the reason', () => {
  const unmanaged = webhookConfig({ manage: false });
  const reason = (webhooks: MutatingWebhook[], options = unmanaged) =>
    skipReason(stored(webhooks), options, 'latchkey') ?? '';
  assert.deepEqual(repair([flytes], unmanaged), []);
  assert.equal(trustedBundle(stored([flytes]), unmanaged, 'latchkey'), undefined);
  assert.match(reason([flytes]), /refusing .* calls somebody else/);
  assert.match(reason([{ ...ours, clientConfig: { url: 'https://elsewhere.example' } }]), /somebody else/);
  assert.match(reason([foreign]), /waiting for the webhook/);
  assert.match(skipReason(undefined, unmanaged, 'latchkey') ?? '', /waiting for Mutating/);
  assert.equal(reason([{ ...ours, clientConfig: { ...ours.clientConfig, caBundle: '' } }]), '');
});

test("with manage an object is left alone when it is paused, or somebody else's and not to be adopted", () => {
  assert.equal(skipReason(undefined, config, 'latchkey'), undefined);
  assert.equal(skipReason(stored([ours]), config, 'latchkey'), undefined);
  assert.match(skipReason(stored([ours], { [pausedAnnotation]: '' }), config, 'latchkey') ?? '', /paused/);
  assert.match(skipReason(stored([flytes]), config, 'latchkey') ?? '', /somebody else/);
  assert.equal(skipReason(stored([flytes]), adopting, 'latchkey'), undefined);
});

test('paused means that nothing is repaired', () => {
  assert.deepEqual(planRepair(stored([], { [pausedAnnotation]: '' }), config, 'latchkey', 'PEM'), []);
});

test('the trusted bundle is that of our webhook', () => {
  const trusted = (webhooks: MutatingWebhook[]) => trustedBundle(stored(webhooks), config, 'latchkey');
  assert.equal(trusted([foreign, ours]), 'PEM');
  assert.equal(trusted([foreign]), undefined);
  assert.equal(trusted([flytes]), undefined);
  assert.equal(trustedBundle(undefined, config, 'latchkey'), undefined);
});

test('an entry of Flyte is left alone without adopt', () => {
  assert.deepEqual(repair([foreign, flytes]), []);
});

test('with adopt our entry takes its place, and it is remembered in the same step', () => {
  const kept = { 'example.org/kept': 'yes' };
  assert.deepEqual(planRepair(stored([foreign, flytes], kept), adopting, 'latchkey', 'PEM'), [
    sameObject,
    { op: 'test', path: '/webhooks/1/name', value: webhookName },
    { op: 'replace', path: '/webhooks/1', value: ours },
    {
      op: 'add',
      path: '/metadata/annotations',
      value: { ...kept, [webhookAdoptionAnnotation]: JSON.stringify(flytes) },
    },
  ]);
});

test('what was adopted is ours: right, or repaired, and given back once adopt is gone', () => {
  const adopted = (entries: MutatingWebhook[], options: typeof config) =>
    planRepair(
      stored(entries, { [webhookAdoptionAnnotation]: JSON.stringify(flytes) }),
      options,
      'latchkey',
      'PEM',
    );
  assert.deepEqual(adopted([ours], adopting), []);
  assert.deepEqual(adopted([{ ...ours, timeoutSeconds: 9 }], adopting).at(-1), {
    op: 'add',
    path: '/webhooks/0/timeoutSeconds',
    value: 5,
  });
  const entry = { op: 'test', path: '/webhooks/0/name', value: webhookName };
  const forgotten = { op: 'add', path: '/metadata/annotations', value: {} };
  assert.deepEqual(adopted([ours], config), [
    sameObject,
    entry,
    { op: 'replace', path: '/webhooks/0', value: flytes },
    forgotten,
  ]);
  assert.deepEqual(adopted([foreign], config), [
    sameObject,
    { op: 'add', path: '/webhooks/-', value: flytes },
    forgotten,
  ]);
});

test('an annotation that cannot be given back is named, and stops no repair of our entry', () => {
  const bare = JSON.stringify({ name: webhookName });
  const { clientConfig: _, ...uncalled } = flytes;
  for (const remembered of ['{', 'null', '{"name": "other"}', bare, JSON.stringify(uncalled)]) {
    const annotations = { [webhookAdoptionAnnotation]: remembered };
    const wiped = { ...ours, clientConfig: { ...ours.clientConfig, caBundle: '' } };
    assert.deepEqual(planRepair(stored([wiped], annotations), config, 'latchkey', 'PEM').at(-1), {
      op: 'add',
      path: '/webhooks/0/clientConfig/caBundle',
      value: ours.clientConfig.caBundle,
    });
    assert.match(adoptionProblem(stored([ours], annotations), webhookName) ?? '', /could be given back/);
    // Whose entry this is nobody can tell.
    assert.deepEqual(planRepair(stored([flytes], annotations), config, 'latchkey', 'PEM'), []);
  }
  const kept = { [webhookAdoptionAnnotation]: JSON.stringify(flytes) };
  assert.equal(adoptionProblem(stored([ours], kept), webhookName), undefined);
  assert.equal(adoptionProblem(stored([ours]), webhookName), undefined);
});

test('nothing is given back in an object that we made: we have replaced nobody there', () => {
  const annotations = { [webhookAdoptionAnnotation]: JSON.stringify(flytes) };
  const made = (webhooks: MutatingWebhook[]) => ({
    metadata: { name: 'latchkey', resourceVersion: '7', annotations, labels: ownObjectLabel },
    webhooks,
  });
  const wiped = { ...ours, clientConfig: { ...ours.clientConfig, caBundle: '' } };
  for (const options of [config, adopting]) {
    assert.deepEqual(planRepair(made([ours]), options, 'latchkey', 'PEM'), []);
    assert.deepEqual(repairedFields(planRepair(made([wiped]), options, 'latchkey', 'PEM')), [
      'webhooks.clientConfig.caBundle',
    ]);
    assert.deepEqual(repairedFields(planRepair(made([]), options, 'latchkey', 'PEM')), ['webhooks']);
  }
  assert.match(adoptionProblem(made([ours]), webhookName) ?? '', /latchkey made the object .* remove/);
});
