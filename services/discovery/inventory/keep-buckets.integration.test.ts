import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { rulesBucket, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { acceleratedClock } from '#testkit/nats/accelerated-clock.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { keepBuckets } from './keep-buckets.ts';

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
  const { bucket, owners, others } = JSON.parse(said(full)[0] ?? '') as Record<string, unknown>;
  assert.deepEqual([bucket, owners, others], [rulesBucket, { aws: 8, k8s: 1 }, 0]);
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

test('records that are tiny fill a bucket by their number, and are purged without a list of their names', async (t) => {
  const bus = await testBus.connect('discovery');
  const config = { chain: ['k8s'], bus: { ...defaultConfig.bus, bucketMiB: 8 } };
  const { js, jsm, nc } = await testBus.admin();
  await jsm.streams.purge(streamOf(rulesBucket));
  await js.publish(subjectOf(rulesBucket, 'k8s.manifest'), new Uint8Array(10));
  const most = 8 * 4_096;
  for (let index = 0; index < most; index += 1) nc.publish(subjectOf(rulesBucket, `aws.${index}`));
  await nc.flush();
  const stored = async () => (await jsm.streams.info(streamOf(rulesBucket))).state;
  await waitFor(async () => (await stored()).messages === most, { timeoutMs: 20_000, what: 'the records' });
  await assert.rejects(js.publish(subjectOf(rulesBucket, 'k8s.recipe')), /maximum messages exceeded/);
  const { bytes } = await stored();
  assert.ok(bytes < 0.8 * 8 * 1_024 * 1_024);
  t.after(keepBuckets(bus, { config, clock: acceleratedClock(50), log: testBus.log }));
  await waitFor(async () => (await stored()).messages === 1, { timeoutMs: 10_000, what: 'the purge' });
  // The line follows the answer to the purge, which the stream's state does not wait for.
  const isTold = (line: string) => line.includes(`"owner":"aws","records":${most - 1}`);
  await waitFor(() => testBus.logLines.some(isTold), { timeoutMs: 10_000, what: 'the line about it' });
  await js.publish(subjectOf(rulesBucket, 'k8s.recipe'));
});
