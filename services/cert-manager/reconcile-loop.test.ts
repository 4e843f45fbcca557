import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createReconcileLoop } from './reconcile-loop.ts';

/** Every sleep is noted, and over at once unless it is a minute. */
function startLoop(t: TestContext, run: (count: number) => number | undefined) {
  const sleeps: number[] = [];
  let runs = 0;
  const clock = {
    ...systemClock,
    sleep: (ms: number, signal?: AbortSignal): Promise<void> => {
      sleeps.push(ms);
      return systemClock.sleep(ms > 30_000 ? ms : 1, signal);
    },
  };
  const loop = createReconcileLoop({
    run: async () => {
      runs += 1;
      return run(runs);
    },
    log: pino({ level: 'silent' }),
    clock,
  });
  t.after(() => loop.stop());
  const until = (count: number) => waitFor(() => runs >= count, { timeoutMs: 5_000, what: `run ${count}` });
  return { loop, sleeps, until };
}

const refused = new LatchkeyError('KUBERNETES_REFUSED', 'the API server is away');
const conflict = new LatchkeyError('KUBERNETES_CONFLICT', 'another writer came first');

test('it runs at once, again when it is asked to, and after the time that a run returns', async (t) => {
  const { loop, sleeps, until } = startLoop(t, (count) => (count === 2 ? 5_000 : undefined));
  await until(1);
  await waitFor(() => sleeps.includes(59_750), { timeoutMs: 5_000, what: 'it to wait for a minute' });
  loop.wake();
  await until(3);
  assert.ok(sleeps.includes(4_750));
});

test('a failure is told until a run succeeds', async (t) => {
  const { loop, until } = startLoop(t, (count) => {
    if (count < 3) throw refused;
    return undefined;
  });
  await until(3);
  await waitFor(() => loop.failure() === undefined, { timeoutMs: 5_000, what: 'it to succeed' });
});

test('a wake cuts the delay after a failure short, but not its first second', async (t) => {
  const { loop, sleeps, until } = startLoop(t, (count) => {
    if (count > 1) return undefined;
    loop.wake();
    throw refused;
  });
  await until(2);
  await waitFor(() => sleeps.length >= 2, { timeoutMs: 5_000, what: 'the pause after the second run' });
  assert.deepEqual(sleeps.slice(0, 2), [1_000, 250]);
});

test('that another writer came first is no failure, unless it always does', async (t) => {
  const short = startLoop(t, (count) => {
    if (count <= 3) throw conflict;
    return undefined;
  });
  await short.until(4);
  assert.equal(short.loop.failure(), undefined);
  // Lost races are followed by the pause alone, a failure by a delay too.
  assert.deepEqual(short.sleeps.slice(0, 3), [250, 250, 250]);
  const endless = startLoop(t, () => {
    throw conflict;
  });
  await waitFor(() => endless.loop.failure(), { timeoutMs: 5_000, what: 'the failure' });
});
