import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { type BackgroundLoop, type BackgroundRun, startBackgroundLoop } from './background-loop.ts';
import type { Clock } from './clock.ts';

/** A loop over the outcomes given, on a clock whose sleeps end only when interrupted or told to. */
function aLoop(t: TestContext, outcomes: readonly ('ok' | 'fail' | 'recover, then fail')[]) {
  const sleeps: number[] = [];
  const logged: string[] = [];
  let rounds = 0;
  let endSleep = () => {};
  const clock: Clock = {
    now: () => 0,
    monotonicMs: () => 0,
    every: () => () => undefined,
    sleep: (ms, signal) => {
      sleeps.push(ms);
      return new Promise((resolve) => {
        endSleep = resolve;
        signal?.addEventListener('abort', () => resolve());
      });
    },
  };
  const loop: BackgroundLoop = startBackgroundLoop({
    name: 'test run',
    run: async ({ recovered }: BackgroundRun) => {
      const outcome = outcomes[rounds] ?? 'ok';
      rounds += 1;
      if (outcome === 'recover, then fail') recovered();
      if (outcome !== 'ok') throw new Error('run');
      return 5_000;
    },
    log: pino({ level: 'info', base: null }, { write: (line) => logged.push(JSON.parse(line).msg) }),
    clock,
  });
  t.after(() => loop.stop());
  /** Lets everything that can run do so. */
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  return { loop, sleeps, logged, settle, rounds: () => rounds, endSleep: () => endSleep() };
}

test('a loop rests after a success and is woken by a call', async (t) => {
  const run = aLoop(t, []);
  await run.settle();
  assert.deepEqual([run.rounds(), run.sleeps], [1, [5_000]]);
  run.loop.wake();
  await run.settle();
  assert.equal(run.rounds(), 2);
});

test('a call during a round is not lost', async (t) => {
  const run = aLoop(t, []);
  run.loop.wake();
  await run.settle();
  assert.deepEqual([run.rounds(), run.sleeps], [2, [5_000]]);
});

test('after a failure a call waits for the pause to end, a hopeful one does not', async (t) => {
  const run = aLoop(t, ['fail', 'fail', 'fail']);
  await run.settle();
  run.loop.wake();
  await run.settle();
  assert.equal(run.rounds(), 1);
  run.endSleep();
  await run.settle();
  assert.equal(run.rounds(), 2);
  run.loop.retryNow();
  await run.settle();
  assert.equal(run.rounds(), 3);
  assert.ok(run.sleeps[1] !== undefined && run.sleeps[1] >= 100, 'the pause grew');
  assert.ok(run.sleeps[2] !== undefined && run.sleeps[2] <= 100, 'hope shortened it again');
});

test('an outage is two lines in the log', async (t) => {
  const run = aLoop(t, ['fail', 'fail', 'fail', 'ok', 'ok']);
  for (let round = 0; round < 5; round += 1) {
    await run.settle();
    run.endSleep();
  }
  await run.settle();
  assert.deepEqual(run.logged, ['test run failed, retrying', 'test run works again']);
});

test('a run that works for a while ends the row of failures before it fails again', async (t) => {
  const run = aLoop(t, ['fail', 'recover, then fail']);
  await run.settle();
  run.endSleep();
  await run.settle();
  assert.deepEqual(run.logged, [
    'test run failed, retrying',
    'test run works again',
    'test run failed, retrying',
  ]);
  assert.ok(run.sleeps[1] !== undefined && run.sleeps[1] <= 100, 'the pause begins anew');
});

test('a failure may say itself how long to wait, and one that follows a stop is none', async () => {
  const sleeps: number[] = [];
  const logged: unknown[] = [];
  const loop = startBackgroundLoop({
    name: 'test run',
    run: ({ signal }) =>
      new Promise((_, reject) => {
        if (sleeps.length === 0) reject(new Error('run'));
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      }),
    backoff: (_, failures) => 10 * failures,
    log: pino({ level: 'debug' }, { write: (line) => void logged.push(JSON.parse(line).failures) }),
    clock: {
      now: () => 0,
      monotonicMs: () => 0,
      every: () => () => undefined,
      sleep: async (ms) => void sleeps.push(ms),
    },
  });
  await new Promise((resolve) => setImmediate(resolve));
  await loop.stop();
  assert.deepEqual([sleeps, logged], [[10], [1]]);
});

test('stop ends a rest and begins no other round', async (t) => {
  const run = aLoop(t, []);
  await run.settle();
  await run.loop.stop();
  run.loop.wake();
  await run.settle();
  assert.equal(run.rounds(), 1);
});
