import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import forge from 'node-forge';
import { readBundle } from './ca-bundle.ts';
import { certificateIssuers } from './certificate-issuers.ts';
import { leafCertificateProblem } from './certificate-problem.ts';
import { generateRsaKeys, issueCaCertificate, issueLeafCertificate } from './issue-certificate.ts';
import type { KeyPair } from './key-pair.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 24);
const names = ['flyte-pod-webhook.latchkey.svc'];
let root: KeyPair;
let stranger: KeyPair;
let intermediate: KeyPair;
let leaf: KeyPair;

/** The CA as one that `issuer` has signed instead of itself. */
function signedBy(issuer: KeyPair, ca: KeyPair): KeyPair {
  const certificate = forge.pki.certificateFromPem(ca.certificate);
  certificate.setIssuer(forge.pki.certificateFromPem(issuer.certificate).subject.attributes);
  certificate.sign(forge.pki.privateKeyFromPem(issuer.key), forge.md.sha256.create());
  return { certificate: forge.pki.certificateToPem(certificate), key: ca.key };
}

before(async () => {
  const [first, second, third] = await Promise.all([1, 2, 3].map(() => generateRsaKeys(2_048)));
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  root = issueCaCertificate(first, nowMs, dayMs);
  stranger = issueCaCertificate(third, nowMs, dayMs);
  intermediate = signedBy(root, issueCaCertificate(second, nowMs, dayMs));
  leaf = issueLeafCertificate(third, intermediate, names, nowMs, dayMs);
});

const problemOf = (chain: string, trusted: KeyPair): string | undefined => {
  const issuers = certificateIssuers(chain, readBundle(trusted.certificate));
  return leafCertificateProblem({ certificate: chain, key: leaf.key }, nowMs, issuers, names);
};

test('a leaf is covered by a root that signed the intermediate certificate behind it', () => {
  assert.equal(problemOf(leaf.certificate + intermediate.certificate, root), undefined);
  assert.equal(problemOf(leaf.certificate, intermediate), undefined);
});

test('a leaf is not covered without the intermediate certificate, nor by another root', () => {
  assert.match(problemOf(leaf.certificate, root) ?? '', /not signed/);
  assert.match(problemOf(leaf.certificate + intermediate.certificate, stranger) ?? '', /not signed/);
  assert.match(problemOf(leaf.certificate + stranger.certificate, root) ?? '', /not signed/);
});
