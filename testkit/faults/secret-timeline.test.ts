import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecretTimeline } from './secret-timeline.ts';

test('an answer lags by the time since the last state that explains it was over', async () => {
  const timeline = createSecretTimeline();
  const done = () => Promise.resolve();
  await timeline.change(['token'], done);
  await timeline.change([], done);
  const nowMs = performance.now();
  const answer = { key: 'token', sentMs: nowMs + 3_000, answeredMs: nowMs + 3_010 };
  assert.equal(timeline.lagMs({ ...answer, found: false }), 0);
  const lagMs = timeline.lagMs({ ...answer, found: true });
  assert.ok(lagMs >= 3_000 && lagMs < Infinity);
  assert.equal(timeline.lagMs({ ...answer, key: 'other', found: true }), Infinity);
});

test('a change under way explains the state before and the one after', async () => {
  const timeline = createSecretTimeline();
  const answered = Promise.withResolvers<void>();
  const changing = timeline.change(['token'], () => answered.promise);
  const nowMs = performance.now();
  const answer = { key: 'token', sentMs: nowMs, answeredMs: nowMs + 1 };
  assert.equal(timeline.lagMs({ ...answer, found: true }), 0);
  assert.equal(timeline.lagMs({ ...answer, found: false }), 0);
  answered.resolve();
  await changing;
});
