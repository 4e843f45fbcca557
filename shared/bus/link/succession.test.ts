import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSuccession, type Succession } from './succession.ts';

/** A process `me` that is connected at 0 and hears itself every 2 s up to `untilMs`. */
function listening(untilMs: number): Succession {
  const succession = createSuccession('me');
  succession.connected(0);
  for (let nowMs = 0; nowMs <= untilMs; nowMs += 2_000) succession.heard({ uid: 'me' }, nowMs);
  return succession;
}

test('a prefix that nobody has held is claimed at once', () => {
  assert.equal(createSuccession('me').mayClaim(undefined, 0), true);
});

test('one that somebody has held is claimed when nobody is heard for two heartbeats', () => {
  assert.equal(listening(2_000).mayClaim(3, 3_999), false);
  assert.equal(listening(4_000).mayClaim(3, 4_000), true);
});

test('a living holder is left alone, and succeeded when it falls silent', () => {
  const succession = listening(20_000);
  succession.heard({ uid: 'you', epoch: 3 }, 18_000);
  assert.deepEqual(succession.holder(), { uid: 'you', epoch: 3 });
  assert.equal(succession.mayClaim(3, 20_000), false);
  succession.heard({ uid: 'me' }, 22_000);
  assert.equal(succession.mayClaim(3, 22_000), false);
  succession.heard({ uid: 'me' }, 24_000);
  assert.equal(succession.mayClaim(3, 24_000), true);
});

test('a holder that says goodbye, or comes back as a standby in the same pod, is succeeded at once', () => {
  const succession = listening(0);
  succession.heard({ uid: 'you', epoch: 3 }, 100);
  assert.equal(succession.mayClaim(3, 200), false);
  succession.heard({ uid: 'third' }, 300);
  assert.equal(succession.mayClaim(3, 300), false);
  succession.heard({ uid: 'you' }, 400);
  assert.deepEqual([succession.mayClaim(3, 400), succession.holder()], [true, undefined]);
});

test('of two that would succeed at once the one that sees the epoch rise waits for the other', () => {
  const succession = listening(0);
  succession.heard({ uid: 'you', epoch: 3 }, 100);
  succession.heard({ uid: 'you' }, 200);
  assert.equal(succession.mayClaim(3, 200), true);
  assert.equal(succession.mayClaim(4, 300), false);
  succession.heard({ uid: 'me' }, 5_299);
  assert.equal(succession.mayClaim(4, 5_299), false);
  succession.heard({ uid: 'me' }, 5_300);
  assert.equal(succession.mayClaim(4, 5_300), true);
});

test('one that was superseded and still beats is no holder', () => {
  const succession = listening(10_000);
  succession.heard({ uid: 'you', epoch: 3 }, 1_000);
  assert.equal(succession.mayClaim(4, 9_000), true);
  succession.heard({ uid: 'you', epoch: 3 }, 9_500);
  assert.equal(succession.mayClaim(4, 10_000), true);
});

test('a silence in which one does not hear oneself says nothing', () => {
  const succession = listening(2_000);
  succession.heard({ uid: 'you', epoch: 3 }, 2_000);
  assert.equal(succession.mayClaim(3, 60_000), false);
  succession.connected(60_000);
  succession.heard({ uid: 'me' }, 62_000);
  assert.equal(succession.mayClaim(3, 62_000), false);
  succession.heard({ uid: 'me' }, 65_000);
  assert.equal(succession.mayClaim(3, 65_000), true);
});

test('one is deaf when nothing of its own has come back for five heartbeats, counted anew from a connection', () => {
  const succession = createSuccession('me');
  succession.connected(1_000);
  assert.deepEqual([succession.isDeaf(10_999), succession.isDeaf(11_000)], [false, true]);
  succession.heard({ uid: 'other' }, 11_000);
  assert.equal(succession.isDeaf(11_000), true);
  succession.heard({ uid: 'me' }, 11_000);
  assert.deepEqual([succession.isDeaf(20_999), succession.isDeaf(21_000)], [false, true]);
  succession.connected(21_000);
  assert.equal(succession.isDeaf(21_000), false);
});
