import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { publishHeartbeat } from '#shared/bus/link/heartbeats.ts';
import { parseProcessConfig } from '#shared/config/process-config.ts';
import { formatKey, inventoryBucket, rulesBucket } from '#shared/contracts/bus/bucket.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { entryKey, followSet, publishSet } from '#testkit/nats/follow-set.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createResolver } from './resolver.ts';

const timeoutMs = 10_000;

let testBus: TestBus;
let bus: Bus;
before(async () => {
  testBus = await startTestBus();
  bus = await testBus.connect();
  assert.equal(await ensureBuckets(bus, { log: testBus.log }), true);
});
after(() => testBus.stop());

test('a Secret whose rule is longer than the bus takes is left out as such, and keeps no other from being ruled', async (t) => {
  // Its names fit into a fact; the rule repeats the name of the Secret with each key.
  const fat = 'f'.repeat(240);
  const fact = (secret: string, keys: string[]) => ({
    value: { schema: 1, source: 'k8s', namespace: 'ns', secret, keys, version: '1' },
  });
  const manyKeys = Array.from({ length: 5_000 }, (_, index) => `k${index}`);
  const marker = { value: { schema: 1, namespace: 'ns', watched: true } };
  const inventory = publishSet(t, testBus, bus, inventoryBucket, 'k8s');
  inventory.replace(
    new Map<string, { value: unknown }>([
      [entryKey('k8s', 'a'), fact('a', ['key'])],
      [entryKey('k8s', fat), fact(fat, manyKeys)],
      [formatKey({ owner: 'k8s', kind: 'namespace', namespace: 'ns' }), marker],
    ]),
  );
  const rules = followSet(t, testBus, bus, rulesBucket, 'k8s');
  const resolver = createResolver(
    {
      process: parseProcessConfig({}),
      config: latchkeyConfigSchema.parse({}),
      log: testBus.log,
      clock: systemClock,
      end: (code, why) => assert.fail(`${code}: ${why}`),
    },
    {
      bus: await testBus.connect(),
      resolved: { manager: k8sManager, follow: () => () => undefined },
      polled: undefined,
    },
  );
  await resolver.start();
  t.after(() => resolver.stop());
  const applied = await waitFor(() => inventory.published(), { timeoutMs, what: 'the inventory' });
  await waitFor(
    () => {
      publishHeartbeat(bus, {
        schema: 1,
        service: 'discovery',
        uid: 'discovery',
        ready: true,
        applied: [applied],
        sourceAgeMs: 0,
      });
      return resolver.notReady().length === 0;
    },
    { timeoutMs, what: 'the resolver to be ready' },
  );
  await waitFor(() => rules.values.size > 0, { timeoutMs, what: 'the rules' });
  assert.deepEqual(
    [...rules.values.keys()].sort(),
    [
      entryKey('k8s', 'a'),
      entryKey('k8s', fat),
      formatKey({ owner: 'k8s', kind: 'namespace', namespace: 'ns' }),
      formatKey({ owner: 'k8s', kind: 'recipe' }),
    ].sort(),
  );
  assert.deepEqual(rules.values.get(entryKey('k8s', fat)), { schema: 1, items: {}, leftOut: `${fat}/` });
  assert.ok(testBus.logLines.some((line) => line.includes('is left out') && line.includes(fat)));
});
