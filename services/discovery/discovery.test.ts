import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { connectServiceBus } from '#shared/bus/service-bus.ts';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { parseProcessConfig } from '#shared/runtime/process-config.ts';
import { createDiscovery } from './discovery.ts';

test('a start waits for no bus, so that a stop need not wait for the start', async (t) => {
  const context = {
    process: parseProcessConfig({ NATS_URL: 'nats://127.0.0.1:1', POD_NAME: 'discovery-0' }),
    config: latchkeyConfigSchema.parse({
      k8s: { inventory: 'open' },
      global: { delivery: 'inline' },
      snapshot: { enabled: false },
    }),
    log: pino({ level: 'silent' }),
    clock: systemClock,
    end: (code: number) => assert.fail(`ended with ${code}`),
    isLeading: () => true,
  };
  const connect = () => assert.fail('nothing is asked of Kubernetes');
  const discovery = createDiscovery(context, connectServiceBus('discovery', context), connect, {});
  t.after(discovery.stop);
  const started = discovery.start();
  assert.deepEqual(discovery.notReady(), [
    'not connected to NATS',
    'the list of global is not complete, or not on the bus yet',
  ]);
  await started;
});
