import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSnapshotSchedule } from './snapshot-schedule.ts';

const intervalMs = 30_000;

/** A schedule that has stored once, at the time 0. */
async function aSchedule() {
  let nowMs = 0;
  const schedule = createSnapshotSchedule({ monotonicMs: () => nowMs }, intervalMs);
  assert.equal(schedule.isDue(), true, 'what is stored is checked at the start');
  await schedule.run(async (packed) => packed());
  return {
    ...schedule,
    at: (ms: number) => {
      nowMs = ms;
    },
  };
}

test('what is stored is checked once in an interval, though nothing changes', async () => {
  const schedule = await aSchedule();
  schedule.at(intervalMs - 1);
  assert.equal(schedule.isDue(), false);
  schedule.at(intervalMs);
  assert.equal(schedule.isDue(), true);
});

test('a change waits for others, and for the interval after the last snapshot', async () => {
  const schedule = await aSchedule();
  schedule.at(intervalMs);
  await schedule.run(async () => undefined);
  schedule.changed();
  assert.equal(schedule.isDue(), false);
  schedule.at(intervalMs + 2_000);
  assert.deepEqual([schedule.isDue(), schedule.unsavedMs()], [true, 2_000]);
  await schedule.run(async (packed) => packed());
  schedule.changed();
  schedule.at(2 * intervalMs);
  assert.equal(schedule.isDue(), false);
});

test('after a failure the change is as old as it was, and due again', async () => {
  const schedule = await aSchedule();
  schedule.changed();
  schedule.at(5_000);
  await assert.rejects(schedule.run(() => Promise.reject(new Error('no'))));
  assert.deepEqual([schedule.isDue(), schedule.unsavedMs()], [true, 5_000]);
  await schedule.run(async () => undefined);
  assert.deepEqual([schedule.isDue(), schedule.unsavedMs()], [false, 0]);
});
