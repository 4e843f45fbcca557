import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { parseProcessConfig } from '#shared/config/process-config.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createDiscovery } from './discovery.ts';

/** A discovery that needs no Kubernetes, of a bus that nobody listens on. */
function awayFromTheBus({ log = pino({ level: 'silent' }), clock = systemClock }) {
  const context = {
    process: parseProcessConfig({ NATS_URL: 'nats://127.0.0.1:1', POD_NAME: 'discovery-0' }),
    config: latchkeyConfigSchema.parse({
      k8s: { inventory: 'open' },
      global: { delivery: 'inline' },
      snapshot: { enabled: false },
    }),
    log,
    clock,
    end: (code: number) => assert.fail(`ended with ${code}`),
    isLeading: () => true,
  };
  const bus = connectServiceBus('discovery', context);
  const connectKubernetes = () => assert.fail('nothing is asked of Kubernetes');
  return createDiscovery(context, { bus, connectKubernetes, environment: {} });
}

test('a start waits for no bus, so that a stop need not wait for the start', async (t) => {
  const discovery = awayFromTheBus({});
  t.after(discovery.stop);
  const started = discovery.start();
  assert.deepEqual(discovery.notReady(), [
    'not connected to NATS',
    'the list of global is not complete, or not on the bus yet',
  ]);
  await started;
});

test('however long the bus is away, one look at the buckets waits for it, and the next comes after it', async () => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const looks = () => lines.filter((line) => line.includes('the buckets could not be ensured')).length;
  const ticks: (() => void)[] = [];
  const every = (_: number, task: () => void) => {
    ticks.push(task);
    return () => undefined;
  };
  const discovery = awayFromTheBus({ log, clock: { ...systemClock, every } });
  await discovery.start();
  const tick = () => {
    for (const task of ticks) task();
  };
  for (let count = 0; count < 720; count += 1) tick();
  await discovery.stop();
  assert.equal(looks(), 1);
  tick();
  await waitFor(() => looks() === 2, { timeoutMs: 5_000, what: 'the next look' });
});
