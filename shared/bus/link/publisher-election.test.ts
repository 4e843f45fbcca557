import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublisherElection, type PublisherElection } from './publisher-election.ts';

/** A process `me` that is connected at 0 and hears itself every 2 s up to `untilMs`. */
function listening(untilMs: number): PublisherElection {
  const election = createPublisherElection('me');
  election.connected(0);
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 2_000) election.heard({ uid: 'me' }, nowMs);
  return election;
}

test('a prefix that nobody has held is claimed at once', () => {
  assert.equal(createPublisherElection('me').mayClaim(undefined, 0), true);
});

test('one that somebody has held is claimed when nobody is heard for two heartbeats', () => {
  assert.equal(listening(2_000).mayClaim(3, 3_999), false);
  assert.equal(listening(4_000).mayClaim(3, 4_000), true);
});

test('a living leader is left alone, and succeeded when it falls silent', () => {
  const election = listening(20_000);
  election.heard({ uid: 'you', epoch: 3 }, 18_000);
  assert.deepEqual(election.leader(), { uid: 'you', epoch: 3 });
  assert.equal(election.mayClaim(3, 20_000), false);
  election.heard({ uid: 'me' }, 22_000);
  assert.equal(election.mayClaim(3, 22_000), false);
  election.heard({ uid: 'me' }, 24_000);
  assert.equal(election.mayClaim(3, 24_000), true);
});

test('a leader that says goodbye, or comes back as a standby in the same pod, is succeeded at once', () => {
  const election = listening(0);
  election.heard({ uid: 'you', epoch: 3 }, 100);
  assert.equal(election.mayClaim(3, 200), false);
  election.heard({ uid: 'third' }, 300);
  assert.equal(election.mayClaim(3, 300), false);
  election.heard({ uid: 'you' }, 400);
  assert.deepEqual([election.mayClaim(3, 400), election.leader()], [true, undefined]);
});

test('of two that would succeed at once the one that sees the epoch rise waits for the other', () => {
  const election = listening(0);
  election.heard({ uid: 'you', epoch: 3 }, 100);
  election.heard({ uid: 'you' }, 200);
  assert.equal(election.mayClaim(3, 200), true);
  assert.equal(election.mayClaim(4, 300), false);
  election.heard({ uid: 'me' }, 5_299);
  assert.equal(election.mayClaim(4, 5_299), false);
  election.heard({ uid: 'me' }, 5_300);
  assert.equal(election.mayClaim(4, 5_300), true);
});

test('one that was superseded and still beats is no leader', () => {
  const election = listening(10_000);
  election.heard({ uid: 'you', epoch: 3 }, 1_000);
  assert.equal(election.mayClaim(4, 9_000), true);
  election.heard({ uid: 'you', epoch: 3 }, 9_500);
  assert.equal(election.mayClaim(4, 10_000), true);
});

test('a silence in which one does not hear oneself says nothing', () => {
  const election = listening(2_000);
  election.heard({ uid: 'you', epoch: 3 }, 2_000);
  assert.equal(election.mayClaim(3, 60_000), false);
  election.connected(60_000);
  election.heard({ uid: 'me' }, 62_000);
  assert.equal(election.mayClaim(3, 62_000), false);
  election.heard({ uid: 'me' }, 65_000);
  assert.equal(election.mayClaim(3, 65_000), true);
});

test('one is deaf when nothing of its own has come back for five heartbeats, counted anew from a connection', () => {
  const election = createPublisherElection('me');
  election.connected(1_000);
  assert.deepEqual([election.isDeaf(10_999), election.isDeaf(11_000)], [false, true]);
  election.heard({ uid: 'other' }, 11_000);
  assert.equal(election.isDeaf(11_000), true);
  election.heard({ uid: 'me' }, 11_000);
  assert.deepEqual([election.isDeaf(20_999), election.isDeaf(21_000)], [false, true]);
  election.connected(21_000);
  assert.equal(election.isDeaf(21_000), false);
});
