import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkIntervalMs, MirrorSchedule } from './mirror-schedule.ts';

test('a new mirror checks and reads at once, and rests until the next check', () => {
  const schedule = new MirrorSchedule();
  assert.ok(schedule.checkIsDue(0) && schedule.auditIsDue(0) && schedule.mayRead(0));
  schedule.noteCheck(5);
  assert.ok(!schedule.checkIsDue(5 + checkIntervalMs - 1));
  assert.equal(schedule.restMs(105), checkIntervalMs - 100);
  assert.ok(schedule.checkIsDue(5 + checkIntervalMs));
  assert.equal(schedule.restMs(5 + 2 * checkIntervalMs), 1);
});

test('everything is read again when that was long ago', () => {
  const schedule = new MirrorSchedule();
  schedule.noteReadAll(0);
  assert.ok(!schedule.auditIsDue(300_000));
  assert.ok(schedule.auditIsDue(300_001));
});

test('a set that is too large is left alone for a while', () => {
  const schedule = new MirrorSchedule();
  schedule.noteTooLarge(0);
  assert.ok(!schedule.mayRead(29_999));
  assert.ok(schedule.mayRead(30_000));
});

test('a second doubt soon after the first is repeated, a late one is not', () => {
  const schedule = new MirrorSchedule();
  assert.deepEqual(
    [0, 19_999, 39_998, 60_000].map((nowMs) => schedule.noteDoubt(nowMs)),
    [false, true, true, false],
  );
});
