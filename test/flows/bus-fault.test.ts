import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inventoryBucket, rulesBucket, streamOf } from '#shared/contracts/bucket.ts';
import { waitFor } from '../cluster/wait-for.ts';
import { asBusAdmin } from './bus-admin.ts';
import { type FaultRun, startFaultRun } from './fault-run.ts';
import { untilStartedAgain } from './restarted-service.ts';

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

test('a gateway that starts while there is no bus is not asked before it has its rules', async (t) => {
  const gateway = await run.busiestGateway();
  await run.survives(t, {
    what: 'nats-server killed and a gateway restarted',
    strike: run.cluster.nats.kill9,
    meanwhile: async () => {
      const startedAgain = untilStartedAgain(gateway);
      gateway.signal('SIGTERM');
      await startedAgain;
      await run.prober.observe(20);
      assert.equal(gateway.run.isReady(), false);
    },
    heal: run.cluster.nats.start,
  });
});

test('a nats-server that comes back without its data is filled again, and no gateway forgets meanwhile', (t) =>
  run.survives(t, {
    what: 'nats-server killed and its data lost',
    strike: async () => {
      await run.cluster.nats.kill9();
      await rm(join(run.cluster.folder, 'nats', 'jetstream'), { recursive: true });
    },
    heal: run.cluster.nats.start,
  }));

test('a nats-server that stands still for long lets known secrets in and makes no other one look missing', (t) => {
  const stoppedMs = performance.now();
  return run.survives(t, {
    what: 'nats-server stopped with its sockets open',
    strike: async () => run.cluster.nats.sigstop(),
    meanwhile: async (created, deleted) => {
      await run.untilEveryGateway(created, 503);
      await waitFor(() => performance.now() - stoppedMs > 16_000, { timeoutMs: 20_000, what: '16 s' });
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
