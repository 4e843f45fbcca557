import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import { createPublisher } from '#shared/bus/publish/publisher.ts';
import { rulesBucket as bucket } from '#shared/contracts/bus/bucket.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { followChanges, startChanges, untilAllHold } from '#testkit/nats/changing-set.ts';
import { planNatsCluster, untilServersAgree } from '#testkit/nats/nats-cluster.ts';
import { type NatsServer, type NatsStart, startNatsServer } from '#testkit/nats/nats-server.ts';
import { startTestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const owner = 'k8s';

test('one server becomes three and one again: what is wanted arrives, and no reader ever empties', async (t) => {
  const plans: NatsStart[] = [];
  let startServer = (_index: number, _mode: 'alone' | 'member'): Promise<NatsServer> => Promise.reject();
  const testBus = await startTestBus(async (place, guard) => {
    plans.push(...(await planNatsCluster(place)));
    startServer = (index, mode) => {
      const { membership, ...plan } = plans[index] as Required<NatsStart>;
      return startNatsServer(mode === 'alone' ? plan : { ...plan, membership }, guard);
    };
    return [await startServer(0, 'alone')];
  });
  t.after(() => testBus.stop());
  const url = plans.map(({ port }) => `nats://127.0.0.1:${port}`).join(',');
  const discovery = await testBus.connect('discovery', { url });
  const ensure = (replicas: 1 | 3) => ensureBuckets(discovery, { log: testBus.log, replicas });
  const untilEnsured = (replicas: 1 | 3) =>
    waitFor(() => ensure(replicas), { timeoutMs: 20_000, what: `buckets on ${replicas} servers` });

  await untilEnsured(1);
  const publisher = createPublisher(await testBus.connect('resolver-k8s', { url }), {
    ...{ bucket, owner, log: testBus.log, clock: systemClock },
    onSuperseded: assert.ifError,
  });
  t.after(() => publisher.stop());
  const changing = startChanges(publisher, owner);
  t.after(changing.stop);
  const follow = (name: string) =>
    followChanges(testBus, changing, { bucket, owner, name, user: 'gateway', url });
  const readers = await Promise.all([follow('first'), follow('second')]);
  t.after(() => Promise.all(readers.map(({ reader }) => reader.stop())));
  const settle = async (what: string) => {
    changing.pause();
    t.diagnostic(`${what}: agreed after ${await untilAllHold(readers, changing, 45_000)} ms`);
    changing.resume();
  };
  await settle('one server');
  assert.equal(await ensure(3), false, 'one server cannot store three times');

  // Two of three that have never met the third elect nobody: the first joins while they wait.
  const others = Promise.all([startServer(1, 'member'), startServer(2, 'member')]);
  await testBus.nats.process().stop('SIGTERM');
  // What it stored alone would answer direct gets until the cluster has found out that the stream is another one.
  await rm(testBus.nats.store, { recursive: true });
  const first = await startServer(0, 'member');
  const servers = [first, ...(await others)];
  await untilEnsured(3);
  await settle('three servers');
  changing.pause();
  const records = await untilServersAgree({ ...testBus, servers }, bucket);
  changing.resume();
  t.diagnostic(`${records} records on every server`);

  await untilEnsured(1);
  await settle('three servers, each bucket on one');
  await Promise.all(servers.map((server) => server.process().stop('SIGTERM')));
  await rm(first.store, { recursive: true });
  await startServer(0, 'alone');
  await untilEnsured(1);
  await settle('one server again');
  assert.deepEqual(
    readers.flatMap(({ wrong }) => wrong),
    [],
  );
});
