import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import { type Claim, emptySummary, manifestOf, needsWrite, nextClaim, supersedes } from './claim.ts';
import { createDigestSet } from './digest.ts';

const claim: Claim = { epoch: 2, publisher: 'me', revision: 10, inherited: emptySummary };
const desired = { bytes: aRecord({ key: 'k' }).bytes, trace: {} };

test('the first claim of an empty prefix has epoch 1 and says that nothing is complete', () => {
  assert.deepEqual(nextClaim([], undefined), { epoch: 1, inherited: emptySummary });
});

test('a claim is later than everything stored and keeps the set before in force', () => {
  const set = createDigestSet();
  set.set('k', desired.bytes);
  const stored = aManifest('k8s', set, { epoch: 4 });
  const stray = aRecord({ key: 'k', epoch: 6 });
  const { epoch, inherited } = nextClaim([stored, stray], manifestOf(stored));
  assert.equal(epoch, 7);
  assert.deepEqual(inherited, { count: 1, digest: set.digest(), recipeDigest: '', complete: true });
});

test('a higher epoch, or the same by another process, supersedes', () => {
  assert.equal(supersedes({ epoch: 3, publisher: 'you' }, claim), true);
  assert.equal(supersedes({ epoch: 2, publisher: 'you' }, claim), true);
  assert.equal(supersedes({ epoch: 2, publisher: 'me' }, claim), false);
  assert.equal(supersedes({ epoch: 1, publisher: 'you' }, claim), false);
});

test('only what differs is written, and whatever a loser wrote after the claim', () => {
  const stored = aRecord({ key: 'k', epoch: 1, revision: 5 });
  const gone = { bytes: undefined, trace: {} };
  assert.equal(needsWrite(desired, stored, claim), false);
  assert.equal(
    needsWrite(desired, { ...stored, revision: 11 }, claim),
    true,
    'written by a loser after the claim',
  );
  assert.equal(needsWrite(desired, { ...stored, revision: 11, epoch: 2 }, claim), false);
  assert.equal(needsWrite(desired, aRecord({ key: 'k', body: { schema: 1, other: 1 } }), claim), true);
  assert.equal(needsWrite(desired, undefined, claim), true);
  assert.equal(needsWrite(desired, { ...stored, deleted: true }, claim), true);
  assert.equal(needsWrite(undefined, stored, claim), true);
  assert.equal(needsWrite(gone, stored, claim), true);
  assert.equal(needsWrite(gone, { ...stored, deleted: true }, claim), false);
  assert.equal(needsWrite(gone, undefined, claim), false);
});

test('a garbled or deleted manifest is none', () => {
  assert.equal(manifestOf(aRecord({ key: 'k8s.manifest', bytes: Buffer.from('{') })), undefined);
  assert.equal(manifestOf({ ...aManifest('k8s', createDigestSet()), deleted: true }), undefined);
});
