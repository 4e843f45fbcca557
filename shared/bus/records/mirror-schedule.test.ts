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

test('the records of a stream are looked at while it changes, for a while after that, and then now and then', () => {
  const schedule = new MirrorSchedule();
  const looks = (fromMs: number, toMs: number, isSame: boolean): number[] => {
    const times: number[] = [];
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1_000) {
      if (schedule.noteLook(isSame, nowMs)) {
        schedule.noteRead(nowMs);
        times.push(nowMs);
      }
    }
    return times;
  };
  assert.deepEqual(looks(0, 2_000, false), [0, 1_000, 2_000]);
  assert.deepEqual(looks(3_000, 30_000, true), [3_000, 4_000, 5_000, 6_000, 16_000, 26_000]);
  assert.deepEqual(looks(31_000, 31_000, false), [31_000]);
  assert.deepEqual(looks(32_000, 50_000, true), [32_000, 33_000, 34_000, 35_000, 45_000]);
});

test('a look that came to no reading is followed by another', () => {
  const schedule = new MirrorSchedule();
  schedule.noteRead(0);
  assert.ok(schedule.noteLook(true, 11_000));
  assert.ok(schedule.noteLook(true, 12_000));
  schedule.noteRead(12_000);
  assert.ok(!schedule.noteLook(true, 13_000));
});
