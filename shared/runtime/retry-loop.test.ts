import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { Clock } from './clock.ts';
import { type RetryLoop, startRetryLoop } from './retry-loop.ts';

/** A loop over the outcomes given, on a clock whose sleeps end only when interrupted or told to. */
function aLoop(t: TestContext, outcomes: readonly ('ok' | 'fail')[]) {
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
  const loop: RetryLoop = startRetryLoop({
    round: async () => {
      const outcome = outcomes[rounds] ?? 'ok';
      rounds += 1;
      if (outcome === 'fail') throw new Error('round');
    },
    restMs: () => 5_000,
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
  assert.deepEqual(run.logged, ['failed, trying again', 'works again']);
});

test('stop ends a rest and begins no other round', async (t) => {
  const run = aLoop(t, []);
  await run.settle();
  await run.loop.stop();
  run.loop.wake();
  await run.settle();
  assert.equal(run.rounds(), 1);
});
