import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { inventoryBucket } from '#shared/contracts/bus/bucket.ts';
import { entryKey, followSet, publishSet } from '#testkit/nats/follow-set.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createInventoryFeed } from './inventory-feed.ts';

let testBus: TestBus;
let bus: Bus;
before(async () => {
  testBus = await startTestBus();
  bus = await testBus.connect();
  assert.equal(await ensureBuckets(bus, { log: testBus.log }), true);
});
after(() => testBus.stop());

const aFact = (secret: string, keys: string[]) =>
  ({ schema: 1, source: 'k8s', namespace: 'ns', secret, keys, version: '1' }) as const;

test('a Secret with more keys than the bus takes keeps no other from being known, at the start and later', async (t) => {
  const manyKeys = Array.from({ length: 5_000 }, (_, index) => `${index}`.padStart(250, 'k'));
  const set = followSet(t, testBus, bus, inventoryBucket, 'k8s');
  const publisher = publishSet(t, testBus, bus, inventoryBucket, 'k8s');
  const feed = createInventoryFeed('k8s', publisher);
  const holds = (...secrets: string[]) =>
    waitFor(
      () => [...set.values.keys()].sort().join() === secrets.map((name) => entryKey('k8s', name)).join(),
      {
        timeoutMs: 10_000,
        what: `exactly ${secrets}`,
      },
    );
  feed.entry('ns', 'a', aFact('a', ['key']));
  feed.entry('ns', 'fat', aFact('fat', manyKeys));
  feed.complete();
  await holds('a');
  feed.entry('ns', 'b', aFact('b', ['key']));
  await holds('a', 'b');
  feed.entry('ns', 'fat', aFact('fat', ['key']));
  await holds('a', 'b', 'fat');
  feed.entry('ns', 'b', aFact('b', manyKeys));
  await holds('a', 'fat');
});
