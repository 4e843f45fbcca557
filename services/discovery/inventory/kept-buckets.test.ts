import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rulesBucket, streamOf, subjectOf } from '#shared/contracts/bucket.ts';
import { waitFor } from '#testkit/cluster/wait-for.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { keepBuckets } from './kept-buckets.ts';

let testBus: TestBus;
before(async () => {
  testBus = await startTestBus();
});
after(() => testBus.stop());

test('discovery says once who fills a bucket, before anybody is refused, and when there is room again', async (t) => {
  const bus = await testBus.connect('discovery');
  const config = { chain: ['aws', 'k8s'], bus: { ...defaultConfig.bus, bucketMiB: 8 } };
  t.after(keepBuckets(bus, { config, clock: acceleratedClock(50), log: testBus.log }));
  const { js, jsm } = await testBus.admin();
  const stream = streamOf(rulesBucket);
  const isThere = () => jsm.streams.info(stream).then(() => true);
  await waitFor(isThere, { timeoutMs: 10_000, what: 'the buckets' });
  const said = (text: string) => testBus.logLines.filter((line) => line.includes(text));
  await js.publish(subjectOf(rulesBucket, 'k8s.manifest'), new Uint8Array(10));
  for (let index = 0; index < 8; index += 1) {
    await js.publish(subjectOf(rulesBucket, `aws.entry._.j${index}`), new Uint8Array(900_000));
  }
  const full = 'the bucket is nearly full';
  await waitFor(() => said(full).length > 0, { timeoutMs: 10_000, what: 'the fill to be told' });
  const { bucket, records } = JSON.parse(said(full)[0] ?? '') as { bucket: string; records: unknown };
  assert.deepEqual([bucket, records], [rulesBucket, { aws: 8, k8s: 1 }]);
  await jsm.streams.purge(stream, { filter: subjectOf(rulesBucket, 'aws.>') });
  await waitFor(() => said('has room again').length > 0, { timeoutMs: 10_000, what: 'the room to be told' });
  assert.equal(said(full).length, 1);
});

test('rules of managers outside the chain are purged when they leave no room, and all others stay', async (t) => {
  const bus = await testBus.connect('discovery');
  const config = { chain: ['k8s'], bus: { ...defaultConfig.bus, bucketMiB: 8 } };
  t.after(keepBuckets(bus, { config, clock: acceleratedClock(50), log: testBus.log }));
  const { js, jsm } = await testBus.admin();
  const write = (key: string, bytes: number) =>
    js.publish(subjectOf(rulesBucket, key), new Uint8Array(bytes));
  const stored = async () => {
    const filter = { subjects_filter: subjectOf(rulesBucket, '>') };
    const { subjects = {} } = (await jsm.streams.info(streamOf(rulesBucket), filter)).state;
    return Object.keys(subjects).map((subject) => subject.slice(subjectOf(rulesBucket, '').length));
  };
  await jsm.streams.purge(streamOf(rulesBucket));
  await write('k8s.manifest', 10);
  for (const key of ['aws.entry._.a', 'gcp.any.other.form.of.key', 'x=.y']) await write(key, 900_000);
  assert.equal((await stored()).length, 4);
  for (let index = 0; index < 6; index += 1)
    await write(`aws.entry._.j${index}`, 900_000).catch(() => undefined);
  await waitFor(async () => `${await stored()}` === 'k8s.manifest', { timeoutMs: 10_000, what: 'the purge' });
});
