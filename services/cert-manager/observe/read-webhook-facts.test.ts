import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { ownObjectLabel } from '#shared/contracts/kubernetes/own-object.ts';
import { desiredWebhook, planRepair, repairedFields } from '#shared/installation/webhook-configuration.ts';
import type { MutatingWebhook } from '#shared/kubernetes/objects/webhook-configurations.ts';
import { caOf, nowMs, policy, servingOf, settled } from '#testkit/certificates/rotation-examples.ts';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import { nextAction } from '../decide/next-action.ts';
import { readWebhookFacts } from './read-webhook-facts.ts';

const config = latchkeyConfigSchema.parse({ webhook: { adopt: true } }).webhook;
const pem = readBundle(aSelfSignedPair(nowMs).certificate).map(String).join('');
const [id = ''] = readBundle(pem).map(certificateId);
const ours = desiredWebhook(config, 'latchkey', pem);
const { caBundle: _, ...withoutBundle } = ours.clientConfig;
const elsewhere = { namespace: 'latchkey', name: 'flyte-pod-webhook', path: '/', port: 8443 };

/** Lists what another writer makes of our webhooks again and again. */
const edits: [string, MutatingWebhook[]][] = [
  ['another failurePolicy', [{ ...ours, failurePolicy: 'Ignore' }]],
  ['conditions of their own', [{ ...ours, matchConditions: [{ name: 'theirs', expression: 'true' }] }]],
  ['another port and path', [{ ...ours, clientConfig: { ...ours.clientConfig, service: elsewhere } }]],
  ['an empty caBundle', [{ ...ours, clientConfig: { ...withoutBundle, caBundle: '' } }]],
  ['no caBundle', [{ ...ours, clientConfig: withoutBundle }]],
  ['another address without caBundle', [{ ...ours, clientConfig: { service: elsewhere } }]],
  ['a URL in place of the Service', [{ ...ours, clientConfig: { url: 'https://elsewhere.example' } }]],
  ['nothing', []],
  ['another entry alone', [{ name: 'other.example.org', clientConfig: {} }]],
];

for (const [what, webhooks] of edits) {
  test(`a leaf that is due is renewed while somebody makes ${what} of our webhook again and again`, () => {
    const metadata = { name: 'latchkey', resourceVersion: '7', labels: ownObjectLabel };
    const found = { metadata, webhooks };
    const deferred = new Set(repairedFields(planRepair(found, config, 'latchkey', pem)));
    assert.ok(deferred.size > 0);
    const webhook = readWebhookFacts(found, config, 'latchkey', nowMs, deferred);
    const serving = servingOf('leaf-1', id, [id]);
    const due = { ...serving, leaf: { ...serving.leaf, due: true } };
    const action = nextAction({ ...settled, ca: caOf([id]), serving: due, webhook }, () => 0, policy);
    assert.ok(action.kind === 'write-serving-secret', `${action.kind}`);
    assert.deepEqual(action.leaf, { issue: true });
  });
}

test('a leaf that is due is renewed while somebody deletes the webhook configuration again and again', () => {
  const deferred = new Set(['metadata.name']);
  const webhook = readWebhookFacts(undefined, config, 'latchkey', nowMs, deferred);
  const serving = servingOf('leaf-1', id, [id]);
  const due = { ...serving, leaf: { ...serving.leaf, due: true } };
  assert.equal(
    nextAction({ ...settled, ca: caOf([id]), serving: due, webhook }, () => 0, policy).kind,
    'write-serving-secret',
  );
});

test('a new CA is written at once though the repair of another field is deferred', () => {
  const found = {
    metadata: { name: 'latchkey', resourceVersion: '7', labels: ownObjectLabel },
    webhooks: [{ ...ours, clientConfig: { ...ours.clientConfig, service: elsewhere } }],
  };
  const deferred = new Set(['webhooks.clientConfig.service']);
  assert.equal(readWebhookFacts(found, config, 'latchkey', nowMs, deferred).isBundleDeferred, false);
  const operations = planRepair(found, config, 'latchkey', `${pem}${pem}`, deferred);
  assert.deepEqual(repairedFields(operations), ['webhooks.clientConfig.caBundle']);
});
