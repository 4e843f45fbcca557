import assert from 'node:assert/strict';
import { cp, rename, rm } from 'node:fs/promises';
import { after, afterEach, before, test } from 'node:test';
import { type ClusterRun, killLeader, measureStall, startClusterRun } from '#testkit/nats/cluster-run.ts';
import type { NatsServer } from '#testkit/nats/nats-server.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

// `npm run bench:nats-leader` kills 20.
const kills = 3;
let run: ClusterRun;

before(async () => {
  run = await startClusterRun();
});
after(() => run?.stop());
afterEach(async () => {
  assert.deepEqual(run.wrong(), []);
  assert.ok((await run.untilServersAgree()) > 100);
});

const everyServer = (act: (server: NatsServer, store: string) => Promise<unknown>): Promise<unknown> =>
  Promise.all(run.testBus.servers.map((server) => act(server, server.store)));

test('a killed leader costs an election: nothing stale, nothing lost, nobody empties', async (t) => {
  for (let kill = 1; kill <= kills; kill += 1) {
    const { firstMs, lastMs, settledMs } = await killLeader(run);
    t.diagnostic(
      `kill ${kill}: changes got through after ${firstMs} ms, to everybody after ${lastMs} ms; ` +
        `after its return all agreed within ${settledMs} ms`,
    );
    assert.deepEqual(run.wrong(), []);
  }
  assert.ok(run.testBus.logLines.some((line) => line.includes('another server answers for the bucket')));
});

test('a connection that is to change its server lands on another one, once in a while', async (t) => {
  const bus = await run.testBus.connect(undefined, { url: run.testBus.nats.url });
  t.after(() => bus.close());
  const { nc } = await bus.linked();
  const servers = [nc.getServer()];
  bus.onReconnect(() => servers.push(nc.getServer()));
  bus.changeServer('a test');
  await waitFor(() => servers.length > 1 && bus.connected(), { timeoutMs: 10_000, what: 'another server' });
  assert.notEqual(servers[0], servers[1]);
  bus.changeServer('a test');
  assert.equal(bus.connected(), true, 'the second change is too soon');
});

test('a publisher that takes over in the middle of an election is the only one after it', async (t) => {
  const victim = await run.leader();
  await victim.kill9();
  const [{ firstMs, lastMs }] = await Promise.all([measureStall(run), run.takeOver()]);
  await victim.start();
  t.diagnostic(`stalled ${firstMs} to ${lastMs} ms; after its return ${await run.settle()} ms`);
});

test('a leader that is asked to leave hands over without an election', async (t) => {
  const leader = await run.leader();
  const { exited, signal } = leader.process();
  signal('SIGUSR2');
  const { firstMs, lastMs } = await measureStall(run);
  const { code } = await exited;
  assert.equal(code, 0);
  await leader.start();
  t.diagnostic(`stalled ${firstMs} to ${lastMs} ms; after its return ${await run.settle()} ms`);
});

test('a follower that is killed and loses its disk is filled by the others, and its clients notice little', async (t) => {
  const follower = await run.follower();
  await follower.kill9();
  await rm(follower.store, { recursive: true });
  const { firstMs, lastMs } = await measureStall(run);
  await follower.start();
  t.diagnostic(`stalled ${firstMs} to ${lastMs} ms; after its return ${await run.settle()} ms`);
});

test('a leader that stands still, as one whose node is gone, is replaced, and what it held up goes on', async (t) => {
  const leader = await run.leader();
  leader.sigstop();
  try {
    const { firstMs, lastMs } = await measureStall(run);
    t.diagnostic(`stalled ${firstMs} to ${lastMs} ms`);
    assert.ok((await run.leader()) !== leader);
  } finally {
    leader.sigcont();
  }
  t.diagnostic(`after its return ${await run.settle()} ms`);
});

test('a cluster that comes back with a state from before what it acknowledged is put right', async (t) => {
  await everyServer(async (server, store) => {
    await server.kill9();
    await cp(store, `${store}-backup`, { recursive: true });
  });
  await everyServer((server) => server.start());
  await run.settle();
  await measureStall(run);
  await everyServer(async (server, store) => {
    await server.kill9();
    await rm(store, { recursive: true });
    await rename(`${store}-backup`, store);
  });
  await everyServer((server) => server.start());
  t.diagnostic(`agreed ${await run.settle()} ms after the servers were up`);
});
