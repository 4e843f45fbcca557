import { after, before, test } from 'node:test';
import { inventoryBucket, rulesBucket, streamOf } from '#shared/contracts/bus/bucket.ts';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { asBusAdmin } from '#testkit/installation/bus-admin.ts';
import { leaderOf } from '#testkit/nats/nats-cluster.ts';
import type { NatsServer } from '#testkit/nats/nats-server.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

let run: FaultRun;
before(async () => {
  run = await startFaultRun({ natsServers: 3 });
});
after(() => run?.stop());

const infoOf = (bucket: string) => asBusAdmin(run.cluster.nats, (streams) => streams.info(streamOf(bucket)));

async function leader(bucket: string): Promise<NatsServer> {
  const { natsServers, nats } = run.cluster;
  return natsServers[await asBusAdmin(nats, (streams) => leaderOf(streams, streamOf(bucket)))] ?? nats;
}

/**
 * Waits until both buckets have a leader and two followers that are up to date. A server that comes back calls
 * elections, seconds after which publishing may stand still once more: until then the fault is not over.
 */
async function settled(): Promise<void> {
  for (const bucket of [inventoryBucket, rulesBucket]) {
    const isSettled = async () => {
      const { config, cluster } = await infoOf(bucket);
      return config.num_replicas === 3 && cluster?.replicas?.every(({ current }) => current);
    };
    await waitFor(isSettled, { timeoutMs: 20_000, what: `${bucket} on three servers` });
  }
}

test('discovery stores both buckets on three servers', settled);

for (const bucket of [rulesBucket, inventoryBucket]) {
  test(`a killed leader of ${bucket} makes no answer wrong`, async (t) => {
    const victim = await leader(bucket);
    await run.survives(t, {
      what: `leader of ${bucket} killed`,
      strike: victim.kill9,
      heal: async () => {
        await victim.start();
        await settled();
      },
    });
  });
}

test('a leader that stands still makes no answer wrong', async (t) => {
  const victim = await leader(rulesBucket);
  await run.survives(t, {
    what: 'leader stopped with its sockets open',
    strike: async () => victim.sigstop(),
    // What was created and deleted meanwhile arrives without it.
    meanwhile: async (created, deleted) => {
      await Promise.all([run.untilEveryGateway(created, 200), run.untilEveryGateway(deleted, 404)]);
    },
    heal: async () => {
      victim.sigcont();
      await settled();
    },
  });
});
