import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { withUnreadableDate } from '#testkit/certificates/with-unreadable-date.ts';
import { certificateId, joinCaBundle, readBundle } from './ca-bundle.ts';
import {
  caCertificateProblem,
  isDueForRenewal,
  leafCertificateProblem,
  renewalReason,
} from './certificate-problem.ts';
import {
  createSerialNumber,
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
  type RsaKeys,
} from './issue-certificate.ts';
import type { KeyPair } from './key-pair.ts';
import { servingNames } from './serving-names.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 24);
const names = ['flyte-pod-webhook.latchkey.svc', '10.0.0.7'];

let keys: RsaKeys;
let ca: KeyPair;
let other: KeyPair;
let leaf: KeyPair;
before(async () => {
  keys = await generateRsaKeys(2048);
  ca = issueCaCertificate(keys, nowMs, 90 * dayMs);
  other = issueCaCertificate(await generateRsaKeys(2048), nowMs, 90 * dayMs);
  leaf = issueLeafCertificate(keys, ca, names, nowMs, 6 * dayMs);
});

const problemOf = (pair: KeyPair, atMs = nowMs, issuer = ca, wanted = names) =>
  leafCertificateProblem(pair, atMs, readBundle(issuer.certificate), wanted);

test('a serial number has 16 bytes and is positive', () => {
  for (let round = 0; round < 1_000; round += 1)
    assert.match(createSerialNumber(), /^(0[1-9a-f]|[1-7][0-9a-f])[0-9a-f]{30}$/);
});

test('a fresh leaf is served from an hour before it was made', () => {
  assert.equal(problemOf(leaf), undefined);
  assert.equal(problemOf(leaf, nowMs - 3_600_000), undefined);
  assert.match(problemOf(leaf, nowMs - 3_601_000) ?? '', /not valid before/);
});

test('a leaf is refused when it expired, when another CA signed it, and when a name is missing', () => {
  assert.match(problemOf(leaf, nowMs + 6 * dayMs) ?? '', /expired/);
  assert.match(problemOf(leaf, nowMs, other) ?? '', /not signed by the current ca/);
  assert.match(problemOf(leaf, nowMs, ca, [...names, 'other.example']) ?? '', /cover other\.example/);
});

test('a pair is refused when its key is another one, and when it is garbage', () => {
  assert.match(caCertificateProblem({ ...ca, key: other.key }, nowMs) ?? '', /does not belong/);
  assert.match(caCertificateProblem({ certificate: '', key: 'x' }, nowMs) ?? '', /not PEM/);
  assert.match(caCertificateProblem(leaf, nowMs) ?? '', /not a certificate ca/);
});

test('a CA that is not valid yet can issue, but is to be replaced', () => {
  const beforeMs = nowMs - dayMs;
  assert.equal(caCertificateProblem(ca, beforeMs), undefined);
  assert.match(renewalReason(ca, beforeMs, 0.5) ?? '', /not valid before/);
  assert.equal(renewalReason(ca, nowMs, 0.5), undefined);
  assert.match(renewalReason(ca, nowMs + 45 * dayMs, 0.5) ?? '', /due/);
});

test('a certificate whose dates cannot be read is refused, due, and trusted by nobody', () => {
  for (const which of ['notBefore', 'notAfter'] as const) {
    const undated = withUnreadableDate(ca, which);
    assert.equal(caCertificateProblem(undated, nowMs), 'its dates cannot be read');
    assert.equal(problemOf(withUnreadableDate(leaf, which)), 'its dates cannot be read');
    assert.equal(isDueForRenewal(undated, nowMs, 0.5), true);
    assert.equal(joinCaBundle(ca.certificate, [undated.certificate], nowMs), ca.certificate);
  }
});

test('the leaf names the key of its issuer, not its own', () => {
  const certificate = new X509Certificate(leaf.certificate);
  assert.equal(certificate.checkIssued(new X509Certificate(ca.certificate)), true);
  assert.equal(certificate.checkIssued(new X509Certificate(other.certificate)), false);
});

test('a leaf does not outlive its CA', () => {
  const long = issueLeafCertificate(keys, ca, names, nowMs, 1_000 * dayMs);
  const validTo = ({ certificate }: KeyPair) => new X509Certificate(certificate).validTo;
  assert.equal(validTo(long), validTo(ca));
});

test('renewal is due at a fraction of the life since it was made', () => {
  assert.equal(isDueForRenewal(leaf, nowMs + 4 * dayMs - 1_000, 2 / 3), false);
  assert.equal(isDueForRenewal(leaf, nowMs + 4 * dayMs, 2 / 3), true);
  assert.equal(isDueForRenewal(issueLeafCertificate(keys, ca, names, nowMs, 600_000), nowMs, 2 / 3), false);
});

test('the id of a certificate is the SHA-256 of its DER bytes', () => {
  const certificate = new X509Certificate(leaf.certificate);
  assert.equal(certificateId(certificate), createHash('sha256').update(certificate.raw).digest('hex'));
});

test('a bundle holds the current CA first, each once, and none that expired', () => {
  const expired = issueCaCertificate(keys, nowMs - 100 * dayMs, dayMs);
  const bundle = joinCaBundle(
    ca.certificate,
    [other.certificate + other.certificate, 'garbage', expired.certificate, leaf.certificate],
    nowMs,
  );
  assert.equal(bundle, ca.certificate + other.certificate);
  assert.equal(joinCaBundle(ca.certificate, [bundle], nowMs), bundle);
});

test('a bundle that names the current CA keeps its order without what expired', () => {
  const expired = issueCaCertificate(keys, nowMs - 100 * dayMs, dayMs);
  const bundle = other.certificate + ca.certificate;
  assert.equal(joinCaBundle(ca.certificate, [expired.certificate + bundle], nowMs), bundle);
});

test('the names are those of the Service and of the URL', () => {
  const { webhook } = latchkeyConfigSchema.parse({ webhook: { url: 'https://[::1]:9443/x' } });
  assert.deepEqual(servingNames(webhook, 'latchkey'), [
    'flyte-pod-webhook',
    'flyte-pod-webhook.latchkey',
    'flyte-pod-webhook.latchkey.svc',
    'flyte-pod-webhook.latchkey.svc.cluster.local',
    '::1',
  ]);
});
