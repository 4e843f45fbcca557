import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  formatKey,
  inventoryBucket,
  rulesBucket,
  streamOf,
  subjectOf,
} from '#shared/contracts/bus/bucket.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { asBusAdmin } from '#testkit/installation/bus-admin.ts';
import { restart, untilStartedAgain } from '#testkit/installation/until-restarted.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { startWatchFaultProxy } from '../faults/watch-fault-proxy.ts';

const managers = ['global', 'k8s'];
let run: FaultRun;

before(async () => {
  run = await startFaultRun();
});
after(() => run?.stop());

const readiness = async ({ ports }: ServicePod): Promise<string> =>
  (await fetch(`http://127.0.0.1:${ports.health}/readyz`)).text();

test('a gateway that is restarted in order loses no admission and is not asked before it is ready', async () => {
  const gateway = await run.busiestGateway();
  const exit = await restart(gateway, 'SIGTERM');
  assert.equal(exit.code, exitCode.ok);
  await run.takesChanges();
});

test('a gateway that is taken away in order loses no admission', async () => {
  const gateway = await run.busiestGateway();
  const exit = await gateway.stop('SIGTERM');
  assert.equal(exit.code, exitCode.ok);
  await run.takesChanges();
  const successor = await run.cluster.startService('gateway', { replica: 2 });
  await successor.untilReady();
  await run.takesChanges();
});

for (const [signal, services] of [
  ['SIGTERM', ['discovery']],
  ['SIGKILL', ['discovery']],
  ['SIGKILL', ['resolver-k8s']],
  ['SIGKILL', ['discovery', 'resolver-k8s', 'resolver-global']],
] as const) {
  test(`${services.join(', ')} ended by ${signal} and started again: no change is lost`, (t) => {
    let restarted: Promise<unknown> = Promise.resolve();
    return run.survives(t, {
      what: `${services.join(', ')} ${signal}`,
      strike: async () => {
        restarted = Promise.all(services.map((service) => restart(run.pod(service), signal)));
      },
      heal: () => restarted,
    });
  });
}

/** The old publisher stands still, a new one takes over, then the old one wakes up with what it knew. */
async function wakesUpTooLate(t: TestContext, service: string, endsWith: readonly number[]): Promise<void> {
  const old = run.pod(service);
  const startedAgain = untilStartedAgain(old);
  await run.survives(t, {
    what: `${service} stands still and another one takes over`,
    strike: async () => old.signal('SIGSTOP'),
    heal: async () => (await run.cluster.startService(service, { replica: 1 })).untilReady(),
  });
  old.signal('SIGCONT');
  const { code } = await startedAgain;
  assert.ok(
    endsWith.some((expected) => expected === code),
    `ended with ${code}`,
  );
  await old.untilReady();
  await run.takesChanges();
  await old.stop();
}

test('an old k8s resolver that wakes up beside a new one ends, and no gateway believes it', (t) =>
  wakesUpTooLate(t, 'resolver-k8s', [exitCode.superseded]));

test('an old discovery that wakes up beside a new one ends, and no gateway believes it', (t) =>
  wakesUpTooLate(t, 'discovery', [exitCode.leadershipLost, exitCode.superseded]));

/** Whether each manifest of the bucket says that its set is complete; throws when anything else is stored. */
const storedManifests = (bucket: string): Promise<boolean[]> =>
  asBusAdmin(run.cluster.nats, async (streams) => {
    const { state } = await streams.info(streamOf(bucket));
    assert.equal(state.messages, managers.length);
    const subjects = managers.map((owner) => subjectOf(bucket, formatKey({ owner, kind: 'manifest' })));
    const stored = subjects.map((subject) => streams.getMessage(streamOf(bucket), { last_by_subj: subject }));
    return (await Promise.all(stored)).map(
      (message) => message?.json<{ complete: boolean }>().complete ?? true,
    );
  });

test('on an empty bus nothing is published before discovery has listed everything', async (t) => {
  const { cluster, prober } = run;
  const proxy = await startWatchFaultProxy({ target: cluster.server, ca: cluster.authority });
  t.after(() => proxy.close());
  proxy.failNext('list', 'stall', 100);
  const services = ['discovery', 'resolver-k8s', 'resolver-global'];
  let newcomer: ServicePod | undefined;
  await run.survives(t, {
    what: 'everything restarted on an empty bus while nothing can be listed',
    strike: async () => {
      await Promise.all(services.map((service) => run.pod(service).stop('SIGKILL')));
      await cluster.nats.kill9();
      await rm(join(cluster.folder, 'nats', 'jetstream'), { recursive: true });
      await cluster.nats.start();
      await cluster.startService('discovery', { apiServer: proxy.url });
      await Promise.all(services.slice(1).map((service) => cluster.startService(service)));
      newcomer = await cluster.startService('gateway', { replica: 3 });
    },
    meanwhile: async () => {
      const isClaimed = async () => {
        const manifests = await Promise.all([inventoryBucket, rulesBucket].map(storedManifests));
        return manifests.every((complete) => isDeepStrictEqual(complete, [false, false]));
      };
      await waitFor(isClaimed, { timeoutMs: 20_000, what: 'every publisher to have claimed its prefix' });
      await prober.observe(20);
      assert.ok(await isClaimed());
      assert.ok(newcomer !== undefined);
      assert.match(await readiness(newcomer), /resolver of manager k8s was not heard yet/);
      assert.match(await readiness(run.pod('resolver-k8s')), /no inventory of k8s yet/);
    },
    heal: async () => proxy.heal(),
  });
});
