import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SetDoubt } from './set-doubt.ts';

const whole = { reset: false, isInconsistent: false, applied: { epoch: 1, seq: 5 } };
const later = { epoch: 1, seq: 6 };

test('a set that stays inconsistent is doubted after 6 s, and not while each read of everything mends it', () => {
  const doubt = new SetDoubt(0);
  const torn = { ...whole, isInconsistent: true };
  assert.equal(doubt.noteRead(torn, 6_000), undefined);
  assert.match(doubt.noteRead(torn, 6_001) ?? '', /inconsistent/);
  assert.equal(doubt.noteRead({ ...torn, reset: true }, 6_100), undefined);
  assert.equal(doubt.noteRead(torn, 12_100), undefined);
  assert.match(doubt.noteRead(torn, 12_101) ?? '', /inconsistent/);
});

test('a whole set that is older than what its publisher says is doubted every 6 s until that arrives', () => {
  const doubt = new SetDoubt(0);
  doubt.notePublished(later, whole.applied, 1_000);
  assert.equal(doubt.noteRead(whole, 7_000), undefined);
  assert.match(doubt.noteRead(whole, 7_001) ?? '', /does not arrive/);
  assert.equal(doubt.noteRead({ ...whole, reset: true }, 7_100), undefined);
  assert.match(doubt.noteRead(whole, 13_002) ?? '', /does not arrive/);
  assert.equal(doubt.noteRead({ ...whole, applied: later }, 20_000), undefined);
  assert.equal(doubt.noteRead({ ...whole, applied: later }, 40_000), undefined);
});

test('a set that is never there, though its publisher says so, is doubted', () => {
  const doubt = new SetDoubt(0);
  const nothing = { ...whole, applied: undefined };
  doubt.notePublished(later, undefined, 0);
  assert.match(doubt.noteRead(nothing, 6_001) ?? '', /does not arrive/);
});

test('a set that follows steady changes is never doubted, though each heartbeat says more than has arrived', () => {
  const doubt = new SetDoubt(0);
  for (let seq = 1; seq <= 100; seq += 1) {
    const applied = { epoch: 1, seq };
    doubt.notePublished({ epoch: 1, seq: seq + 1 }, applied, seq * 2_000);
    assert.equal(doubt.noteRead({ ...whole, applied }, seq * 2_000 + 500), undefined);
  }
});

test('what a replaced publisher promised is waited for no longer than its successor takes', () => {
  const doubt = new SetDoubt(0);
  doubt.notePublished({ epoch: 1, seq: 9 }, whole.applied, 0);
  assert.equal(doubt.noteRead({ ...whole, applied: { epoch: 2, seq: 1 } }, 7_000), undefined);
});

test('what was promised of a bucket that was created anew since is not waited for', () => {
  const doubt = new SetDoubt(0);
  doubt.notePublished({ epoch: 7, seq: 9 }, whole.applied, 0);
  doubt.notePublished({ epoch: 1, seq: 6 }, whole.applied, 2_000);
  assert.equal(doubt.noteRead({ ...whole, applied: later }, 7_000), undefined);
});
