import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { type PairRun, pairedServices as services, startPairs } from '#testkit/faults/pair-run.ts';
import { restart, untilStartedAgain } from '#testkit/installation/until-restarted.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';

let pairs: PairRun;
before(async () => {
  pairs = await startPairs();
});
after(() => pairs?.stop());

test('of two of each service one acts, and the other is ready and stands by', async () => {
  const { run, acting } = pairs;
  for (const service of services) {
    const acts = await acting.actingPod(service);
    const [other, ...more] = run.pods(service).filter(({ uid }) => uid !== acts.uid);
    assert.ok(other !== undefined && more.length === 0);
    await acting.untilStandby(other);
  }
  await run.takesChanges();
});

for (const service of ['cert-manager', 'discovery', 'resolver-k8s']) {
  test(`the ${service} that acts is lost with its node: the other one takes over`, async (t) => {
    const { succeededMs, convergedMs, freshMs } = await pairs.lose(service);
    t.diagnostic(
      `another one acts after ${Math.round(succeededMs)} ms, every gateway answers rightly after ` +
        `${Math.round(convergedMs)} ms and from knowledge gained since after ${Math.round(freshMs)} ms`,
    );
  });
}

test('a resolver that is killed and started again by its kubelet stands by, and no epoch follows another', async (t) => {
  const { run, acting } = pairs;
  const service = 'resolver-global';
  const old = await acting.actingPod(service);
  let restarted: Promise<unknown> = Promise.resolve();
  await run.survives(t, {
    what: `${service} killed and started again`,
    strike: async () => {
      restarted = restart(old, 'SIGKILL');
    },
    heal: () => acting.untilSucceeded(service, old),
  });
  await restarted;
  await acting.untilStandby(old);
  assert.equal((await acting.epochsOf('global', 4)).size, 1);
});

test('those that stand still are succeeded, and nothing that they do after they wake up wins', async (t) => {
  const { run, acting } = pairs;
  const old = await Promise.all(services.map(acting.actingPod));
  const ends = old.map(untilStartedAgain);
  await run.survives(t, {
    what: 'every service that acts stands still',
    strike: async () => {
      for (const pod of old) pod.signal('SIGSTOP');
    },
    meanwhile: () =>
      Promise.all(services.map((service, index) => acting.untilSucceeded(service, old[index] as ServicePod))),
  });
  const successors = await Promise.all(services.map(acting.actingPod));
  for (const pod of old) pod.signal('SIGCONT');
  const codes = (await Promise.all(ends)).map(({ code }) => code);
  const lost = [exitCode.leadershipLost, exitCode.superseded];
  assert.ok(
    codes.every((code) => lost.some((expected) => expected === code)),
    codes.join(),
  );
  await Promise.all(old.map(acting.untilStandby));
  await run.takesChanges();
  const epochs = await Promise.all(['global', 'k8s'].map((manager) => acting.epochsOf(manager, 4)));
  assert.deepEqual(
    epochs.map(({ size }) => size),
    [1, 1],
  );
  const holders = await Promise.all(services.map(acting.actingPod));
  assert.deepEqual(
    holders.map(({ name }) => name),
    successors.map(({ name }) => name),
  );
});

test('replacing both of each service, one by one, costs nothing', (t) => {
  const { run, startAnother } = pairs;
  return run.survives(t, {
    what: 'a rollout of every service but the gateways',
    strike: async () => {
      const replaced = services.map((service) => [service, run.pods(service)] as const);
      const rollouts = replaced.map(async ([service, pods]) => {
        for (const pod of pods) {
          await startAnother(service);
          assert.equal((await pod.stop('SIGTERM')).code, exitCode.ok);
        }
        assert.equal(run.pods(service).length, 2);
      });
      await Promise.all(rollouts);
    },
  });
});
