import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxVersionNumber } from '#shared/contracts/bus/bucket.ts';
import { finishWork } from '#shared/runtime/turn-queue.ts';
import { aManifest, aRecord } from '#testkit/nats/a-record.ts';
import {
  type Claim,
  emptySummary,
  findOutranked,
  manifestOf,
  needsWrite,
  nextClaim,
  supersedes,
} from './claim.ts';
import { createDigestSet } from './digest.ts';

const claim: Claim = {
  epoch: 2,
  publisher: 'me',
  revision: 10,
  inherited: emptySummary,
  startsOver: false,
  outranked: new Set(),
};
const desired = { bytes: aRecord({ key: 'k' }).bytes, trace: {} };

test('the first claim of an empty prefix has epoch 1 and says that nothing is complete', () => {
  assert.deepEqual(nextClaim([], undefined), {
    epoch: 1,
    inherited: emptySummary,
    startsOver: false,
  });
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
  const revision = 1;
  assert.equal(supersedes({ epoch: 3, publisher: 'you', revision }, claim), true);
  assert.equal(supersedes({ epoch: 2, publisher: 'you', revision }, claim), true);
  assert.equal(supersedes({ epoch: 2, publisher: 'me', revision }, claim), false);
  assert.equal(supersedes({ epoch: 1, publisher: 'you', revision }, claim), false);
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

test('where the last epoch was used up, counting goes on from the manifest or from 1, and relics are written again', () => {
  const last = maxVersionNumber;
  const set = createDigestSet();
  const relic = aRecord({ key: 'k8s.entry._.k', epoch: last, revision: 5, publisher: 'you' });
  const fromManifest = nextClaim(
    [relic, aManifest('k8s', set, { epoch: 7 })],
    manifestOf(aManifest('k8s', set, { epoch: 7 })),
  );
  assert.deepEqual([fromManifest.epoch, fromManifest.startsOver], [8, true]);
  const used = aManifest('k8s', set, { epoch: last });
  assert.equal(nextClaim([used], manifestOf(used)).epoch, 1);

  const restarted: Claim = { ...claim, ...fromManifest };
  assert.equal(supersedes(relic, restarted), false);
  assert.equal(supersedes({ ...relic, revision: 11 }, restarted), true, 'written after the claim');
  assert.equal(needsWrite({ bytes: relic.bytes, trace: {} }, relic, restarted), true);
  assert.equal(
    needsWrite(undefined, { ...relic, deleted: true }, restarted),
    true,
    'a tombstone outranks, too',
  );
});

test('a record that readers refuse, since one before it has a higher epoch, is written again', () => {
  const first = aRecord({ key: 'k8s.entry._.a', epoch: 3, revision: 1 });
  const low = aRecord({ key: 'k8s.entry._.b', epoch: 0, revision: 2 });
  const { epoch } = nextClaim([low, first], undefined);
  const outranked = finishWork(findOutranked([low, first], epoch));
  assert.deepEqual([epoch, [...outranked]], [4, [low.key]]);
  const next = { ...claim, epoch, outranked };
  assert.equal(needsWrite(desired, low, next), true);
  assert.equal(needsWrite(desired, { ...low, epoch }, next), false);
  assert.equal(needsWrite(desired, first, next), false);
});

test('a garbled or deleted manifest is none', () => {
  assert.equal(manifestOf(aRecord({ key: 'k8s.manifest', bytes: Buffer.from('{') })), undefined);
  const beyond = aManifest('k8s', createDigestSet(), { epoch: maxVersionNumber + 1 });
  assert.equal(manifestOf(beyond), undefined);
  assert.equal(manifestOf({ ...aManifest('k8s', createDigestSet()), deleted: true }), undefined);
});
