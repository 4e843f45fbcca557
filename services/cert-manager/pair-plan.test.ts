import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { readBundle } from '#shared/certificates/ca-bundle.ts';
import { authorityProblem, leafProblem } from '#shared/certificates/certificate-checks.ts';
import type { CertificatePair } from '#shared/certificates/certificate-pair.ts';
import {
  generateRsaKeys,
  issueAuthority,
  issueLeaf,
  type RsaKeys,
} from '#shared/certificates/issue-certificate.ts';
import { planPair } from './pair-plan.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2026, 10, 24);
const names = ['flyte-pod-webhook.latchkey.svc'];

let keys: RsaKeys;
let authority: CertificatePair;
let other: CertificatePair;
let leaf: CertificatePair;
before(async () => {
  keys = await generateRsaKeys(2048);
  authority = issueAuthority(keys, nowMs, 90 * dayMs);
  other = issueAuthority(await generateRsaKeys(2048), nowMs, 90 * dayMs);
  leaf = issueLeaf(keys, authority, names, nowMs, 6 * dayMs);
});

const problemOf = (pair: CertificatePair, atMs: number) =>
  leafProblem(pair, atMs, readBundle(authority.certificate), names);

test('a usable stored pair is kept, a broken or missing one restored from memory, and only then a new one made', () => {
  const problem = (pair: CertificatePair) => authorityProblem(pair, nowMs);
  const plan = (stored?: CertificatePair, held?: CertificatePair) =>
    planPair({ stored, held, nowMs, problem });
  const broken = { ...authority, key: other.key };
  assert.deepEqual(plan(authority, other), { action: 'keep', pair: authority });
  assert.deepEqual(plan(undefined, other), { action: 'restore', pair: other });
  assert.equal(plan(broken, other).action, 'restore');
  assert.match(plan(broken, other).broken ?? '', /does not belong/);
  assert.equal(plan(broken).action, 'issue');
  assert.equal(plan().action, 'issue');
});

test('a clock that jumps makes at most one new leaf', () => {
  const jumpedMs = nowMs - dayMs;
  const planAt = (stored: CertificatePair, atMs: number) =>
    planPair({ stored, held: undefined, nowMs: atMs, problem: (pair) => problemOf(pair, atMs) }).action;
  assert.equal(planAt(leaf, jumpedMs), 'issue');
  const reissued = issueLeaf(keys, authority, names, jumpedMs, 6 * dayMs);
  assert.equal(planAt(reissued, jumpedMs), 'keep');
  assert.equal(planAt(reissued, nowMs), 'keep');
});
