import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { snapshotSecretName, snapshotShardName } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import type { ChangingSecret } from '#testkit/faults/changing-secret.ts';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { metricsOf } from '#testkit/faults/rule-ages.ts';
import { askGateway } from '#testkit/gateway/ask-gateway.ts';
import { sumOf } from '#testkit/installation/read-samples.ts';
import { readyAgeMs } from '#testkit/installation/ready-age.ts';
import {
  snapshotSummary,
  storedSnapshot,
  untilSnapshotHolds,
} from '#testkit/installation/stored-snapshot.ts';
import { untilStartedAgain } from '#testkit/installation/until-restarted.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const timeoutMs = 30_000;
const fromSnapshot = /rules from a snapshot taken at \S+Z, .+ old/;

let run: FaultRun;
before(async () => {
  run = await startFaultRun();
});
after(() => run?.stop());

const gateways = (): ServicePod[] => run.cluster.services().filter(({ name }) => name.startsWith('gateway-'));
const readiness = async ({ ports }: ServicePod): Promise<string> =>
  (await fetch(`http://127.0.0.1:${ports.health}/readyz`)).text();

async function restartCold(t: TestContext, gateway: ServicePod): Promise<void> {
  const startedAgain = untilStartedAgain(gateway);
  gateway.signal('SIGTERM');
  await startedAgain;
  t.diagnostic(
    `${gateway.name}, restarted: ready ${Math.round(await readyAgeMs(gateway))} ms after its start`,
  );
  await gateway.untilReady();
}

/** One gateway's own answer, warnings included. */
async function answerOf({ ports }: ServicePod, { pod }: Pick<ChangingSecret, 'pod'>) {
  const { response } = JSON.parse(await askGateway(run, ports.webhook, pod)) as {
    response: { allowed: boolean; warnings?: string[]; status?: { code: number; message: string } };
  };
  return response;
}

async function assertKnowsTheSnapshot(
  gateway: ServicePod,
  known: ChangingSecret,
  unknown: ChangingSecret,
): Promise<void> {
  assert.match(await readiness(gateway), fromSnapshot);
  assert.match(await gateway.readLog(), fromSnapshot);
  assert.ok(sumOf(await metricsOf(gateway), 'latchkey_snapshot_age_seconds') > 0);
  const injected = await answerOf(gateway, known);
  assert.ok(injected.allowed, JSON.stringify(injected.status));
  assert.match(injected.warnings?.join() ?? '', /old|unconfirmed|heard/);
  const denied = await answerOf(gateway, unknown);
  assert.equal(denied.status?.code, 503);
  assert.match(denied.status.message, /knew of none, but its rules are .+ old, so that it may exist by now/);
}

/** A gateway without a snapshot says so, and is not ready while the others are. */
async function assertNotReadyWithout(): Promise<void> {
  const environment = { SNAPSHOT_DIR: join(run.cluster.folder, 'no-snapshot') };
  const gateway = await run.cluster.startService('gateway', { replica: 3, environment });
  const says = async () => (await readiness(gateway)).includes('no complete rules of manager k8s yet');
  await waitFor(says, { timeoutMs, what: `${gateway.name} to say what is missing` });
  assert.match(await gateway.readLog(), /no snapshot of the rules is mounted/);
  await run.prober.observe(5);
  assert.equal(gateway.run.isReady(), false);
  await gateway.stop('SIGKILL');
}

/** Everything that a gateway has in force is in the snapshot before the bus goes. */
const strikeBus = async (): Promise<void> => {
  const [gateway] = gateways();
  assert.ok(gateway !== undefined);
  await untilSnapshotHolds(run.cluster, gateway);
  await run.cluster.nats.kill9();
};

/** What came into force right before the bus went is in the snapshot, too. */
const untilAllIsSaved = () =>
  waitFor(
    async () => sumOf(await metricsOf(run.pod('discovery')), 'latchkey_snapshot_unsaved_seconds') === 0,
    { timeoutMs, what: 'discovery to store the last change' },
  );

test('while the bus is away gateways start from the snapshot, and nothing is answered wrongly', async (t) => {
  await run.survives(t, {
    what: 'nats-server killed and every gateway restarted',
    strike: strikeBus,
    meanwhile: async (created, deleted) => {
      for (const gateway of gateways()) await restartCold(t, gateway);
      const newcomer = await run.cluster.startService('gateway', { replica: 2 });
      t.diagnostic(
        `${newcomer.name}, new: ready ${Math.round(await readyAgeMs(newcomer))} ms after its start`,
      );
      await newcomer.untilReady();
      for (const gateway of gateways()) await assertKnowsTheSnapshot(gateway, deleted, created);
      await run.untilEveryGateway(deleted, 200);
      await assertNotReadyWithout();
      await run.prober.observe(10);
    },
    heal: run.cluster.nats.start,
  });
  for (const gateway of gateways()) assert.doesNotMatch(await readiness(gateway), /snapshot/);
  await run.takesChanges();
});

test('gateways that started from the snapshot lose nothing to a bus that comes back empty', async (t) => {
  await run.survives(t, {
    what: 'nats-server killed, its data lost, everything restarted',
    strike: async () => {
      await strikeBus();
      await rm(join(run.cluster.folder, 'nats', 'jetstream'), { recursive: true });
    },
    meanwhile: async (created, deleted) => {
      await untilAllIsSaved();
      const before = await storedSnapshot(run.cluster);
      const cold = gateways().slice(0, 2);
      for (const gateway of cold) await restartCold(t, gateway);
      const publishers = ['discovery', 'resolver-global', 'resolver-k8s'].map((service) => run.pod(service));
      const restarted = publishers.map(untilStartedAgain);
      for (const publisher of publishers) publisher.signal('SIGKILL');
      await Promise.all(restarted);
      for (const gateway of cold) await assertKnowsTheSnapshot(gateway, deleted, created);
      assert.deepEqual(await storedSnapshot(run.cluster), before);
    },
    heal: run.cluster.nats.start,
  });
  const [gateway] = gateways();
  assert.ok(gateway !== undefined);
  await untilSnapshotHolds(run.cluster, gateway);
  await run.takesChanges();
});

const readShard = (index: number) =>
  run.cluster.harness.core.readNamespacedSecret({
    namespace: installationNamespace,
    name: snapshotSecretName(index),
  });
const untilRepaired = () =>
  waitFor(
    async () =>
      (await storedSnapshot(run.cluster)) !== undefined && !('other' in ((await readShard(1)).data ?? {})),
    {
      timeoutMs,
      what: 'discovery to repair the snapshot',
    },
  );

test('a snapshot that somebody has damaged is written again', async () => {
  const { core } = run.cluster.harness;
  const replace = (index: number, data: Record<string, string>) =>
    // Discovery may write it between the read and the write.
    waitFor(
      async () => {
        const body = { ...(await readShard(index)), data };
        const place = { namespace: installationNamespace, name: snapshotSecretName(index) };
        return core.replaceNamespacedSecret({ ...place, body });
      },
      { timeoutMs, what: 'the damage to be written' },
    );
  await replace(0, { [snapshotShardName(0)]: Buffer.from('damage').toString('base64') });
  await replace(1, { other: '' });
  await untilRepaired();
  await replace(0, {});
  await untilRepaired();
});

test('applying deploy/ again keeps the snapshot, and brings back a Secret that is gone, which discovery names', async () => {
  const { cluster } = run;
  const manifest = join(import.meta.dirname, '../../deploy/rules-snapshot.yaml');
  await cluster.kubectl(['apply', '-f', manifest]);
  await cluster.kubectl(['apply', '-f', manifest]);
  const { generation } = await snapshotSummary(cluster);
  assert.match(generation, /^[0-9a-f]{64}$/);
  assert.ok((await storedSnapshot(cluster)) !== undefined);

  await cluster.kubectl(['delete', 'secret', '-n', installationNamespace, snapshotSecretName(0)]);
  const isNamed = async () =>
    /latchkey-rules-snapshot-0 .*are gone/.test(await run.pod('discovery').readLog());
  await waitFor(isNamed, { timeoutMs, what: 'discovery to name the Secret that is gone' });
  await cluster.kubectl(['apply', '-f', manifest]);
  await untilRepaired();
});
