import assert from 'node:assert/strict';
import { cp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inventoryBucket, rulesBucket, streamOf } from '#shared/contracts/bus/bucket.ts';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { asBusAdmin } from '#testkit/installation/bus-admin.ts';

let run: FaultRun;

before(async () => {
  run = await startFaultRun();
});
after(() => run?.stop());

test('a nats-server that is killed and comes back with its data changes no answer', (t) =>
  run.survives(t, {
    what: 'nats-server killed',
    strike: run.cluster.nats.kill9,
    heal: run.cluster.nats.start,
  }));

test('a nats-server that comes back without its data is filled again, and no gateway forgets meanwhile', (t) =>
  run.survives(t, {
    what: 'nats-server killed and its data lost',
    strike: async () => {
      await run.cluster.nats.kill9();
      await rm(join(run.cluster.folder, 'nats', 'jetstream'), { recursive: true });
    },
    heal: run.cluster.nats.start,
  }));

test('a nats-server that comes back with old data makes no gateway go back, though the publishers are late', async (t) => {
  const { nats } = run.cluster;
  const publishers = ['discovery', 'resolver-global', 'resolver-k8s'].map((service) => run.pod(service));
  const store = join(run.cluster.folder, 'nats', 'jetstream');
  const [made, gone] = [run.aSecret('made-later'), run.aSecret('gone-later')];
  await gone.create();
  await run.untilEveryGateway(gone, 200);
  await run.prober.disturbed({ what: 'nats-server stopped for a backup' }, async () => {
    await nats.kill9();
    await cp(store, `${store}-backup`, { recursive: true });
    await nats.start();
    await run.untilConverged();
  });
  await made.create();
  await gone.delete();
  await Promise.all([run.untilEveryGateway(made, 200), run.untilEveryGateway(gone, 404)]);
  // Long enough ago that the fault itself explains no answer from before.
  await run.prober.observe(30);
  await run.survives(t, {
    what: 'nats-server killed and its backup restored',
    strike: async () => {
      for (const publisher of publishers) publisher.signal('SIGSTOP');
      await nats.kill9();
      await rm(store, { recursive: true });
      await rename(`${store}-backup`, store);
      await nats.start();
    },
    meanwhile: () => run.prober.observe(30),
    heal: async () => {
      for (const publisher of publishers) publisher.signal('SIGCONT');
    },
  });
  for (const secret of [made, gone]) run.prober.forget(secret);
});

test('a nats-server that stands still for long lets known secrets in and makes no other one look missing', (t) => {
  return run.survives(t, {
    what: 'nats-server stopped with its sockets open',
    strike: async () => run.cluster.nats.sigstop(),
    meanwhile: async (created, deleted) => {
      await run.untilEveryGateway(created, 503);
      await run.untilRulesAreOld(16_000);
      await run.untilEveryGateway(deleted, 200);
    },
    heal: async () => run.cluster.nats.sigcont(),
  });
});

for (const bucket of [rulesBucket, inventoryBucket]) {
  test(`a purged bucket ${bucket} is filled again, and no gateway forgets meanwhile`, (t) =>
    run.survives(t, {
      what: `${bucket} purged`,
      strike: () => asBusAdmin(run.cluster.nats, (streams) => streams.purge(streamOf(bucket))),
    }));

  test(`a deleted bucket ${bucket} is made and filled again, and no gateway forgets meanwhile`, async (t) => {
    await run.survives(t, {
      what: `${bucket} deleted`,
      strike: () => asBusAdmin(run.cluster.nats, (streams) => streams.delete(streamOf(bucket))),
    });
    const { state } = await asBusAdmin(run.cluster.nats, (streams) => streams.info(streamOf(bucket)));
    assert.ok(state.messages > 0);
  });
}
