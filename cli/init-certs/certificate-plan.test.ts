import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { type TlsSecretContent, tlsSecret } from '#shared/installation/tls-secret.ts';
import { desiredWebhookConfiguration, planRepair } from '#shared/installation/webhook-configuration.ts';
import { bundleOf, type CertificateFacts, planCertificates } from './certificate-plan.ts';
import { newCa, newLeaf } from './issue-pair.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 24);
const config = latchkeyConfigSchema.parse({});
const options = { config, namespace: 'latchkey', nowMs };

let [ownCa, leaf, other]: TlsSecretContent[] = [];
before(async () => {
  ownCa = await newCa(options, '');
  leaf = await newLeaf(options, ownCa);
  other = await newCa(options, '');
});

const secretOf = (stored: TlsSecretContent | undefined) =>
  stored && tlsSecret({ namespace: 'latchkey', name: 'any' }, stored, undefined);
const configurationOf = (stored: TlsSecretContent | undefined) =>
  desiredWebhookConfiguration(config.webhook, 'latchkey', stored?.bundle ?? '');

function plan(facts: Partial<CertificateFacts>, atMs = nowMs) {
  const all = { ca: undefined, serving: undefined, webhook: undefined, ...facts };
  return planCertificates(all, { ...options, nowMs: atMs });
}

test('an empty cluster gets both Secrets', () => {
  assert.deepEqual(plan({}), { ca: { action: 'create' }, serving: { action: 'create' }, trusted: '' });
});

test('what works is kept, also when it is due for renewal', () => {
  const facts = { ca: secretOf(ownCa), serving: secretOf(leaf) };
  for (const atMs of [nowMs, nowMs + 6.9 * dayMs]) {
    const { ca, serving } = plan(facts, atMs);
    assert.deepEqual([ca.action, serving.action], ['keep', 'keep']);
  }
});

test('a leaf that expired, or that another CA signed, is named broken beside a CA that is kept', () => {
  const expired = plan({ ca: secretOf(ownCa), serving: secretOf(leaf) }, nowMs + 8 * dayMs);
  assert.match(JSON.stringify(expired.serving), /"replace".*expired/);
  const foreign = plan({ ca: secretOf(other), serving: secretOf(leaf) });
  assert.equal(foreign.ca.action, 'keep');
  assert.match(JSON.stringify(foreign.serving), /"replace".*not signed/);
});

test('a lost CA is made anew, and a leaf that the API server trusts is kept', () => {
  const lost = plan({ serving: secretOf(leaf), webhook: configurationOf(ownCa) });
  assert.deepEqual([lost.ca.action, lost.serving.action], ['create', 'keep']);
  assert.equal(lost.trusted, ownCa?.bundle);
  assert.equal(plan({ serving: secretOf(leaf) }).serving.action, 'replace');
});

test('a CA that stands alone in its Secret, as an operator may bring it, is taken', () => {
  const alone = ownCa && { ...ownCa, bundle: '' };
  const { ca, serving } = plan({ ca: secretOf(alone), serving: secretOf(leaf) });
  assert.deepEqual([ca.action, serving.action], ['keep', 'keep']);
});

test('the webhook configuration is kept in phase distributing, where the bundle begins with the next CA', () => {
  const [issuing, next] = [ownCa ?? assert.fail(), other ?? assert.fail()];
  const stored = { pair: issuing.pair, bundle: next.bundle + issuing.bundle };
  const { ca } = plan({ ca: secretOf(stored), serving: secretOf(leaf) });
  assert.ok(ca.action === 'keep');
  const bundle = bundleOf(ca.stored, nowMs);
  assert.deepEqual(planRepair(configurationOf(stored), config.webhook, 'latchkey', bundle), []);
});
