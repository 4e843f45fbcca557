import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { exitCode } from '#shared/runtime/exit-code.ts';
import type { ConfigInput } from '#testkit/cluster/installation.ts';
import { configMapName } from '#testkit/cluster/installation.ts';
import { installationNamespace } from '#testkit/cluster/manifests.ts';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { createPod, variablesOf } from '#testkit/installation/create-pod.ts';
import { untilRestarted, untilStartedAgain } from '#testkit/installation/until-restarted.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

/** Longer than all services take to start again: a change of the configuration costs no answer. */
const staleAfterSeconds = 30;
let run: FaultRun;

before(async () => {
  run = await startFaultRun({ staleAfterSeconds });
});
after(() => run?.stop());

/** Every service but the gateways is started again with a changed configuration. */
const restartingServices = ['cert-manager', 'discovery', 'resolver-global', 'resolver-k8s'];

async function configure(config: ConfigInput): Promise<void> {
  const restarts = restartingServices.map((service) => untilRestarted(run.pod(service)));
  await run.cluster.configure({ ...run.config, ...config });
  for (const exit of await Promise.all(restarts)) assert.equal(exit.code, exitCode.reconfigured);
}

test('a chain in another order is taken by the gateways while they serve', async (t) => {
  const pod = aTaskPod(run.namespace, 'asks-both', [{ group: 'shared', key: 'token', mount: 'ENV_VAR' }]);
  await run.cluster.writeGlobalSecret('shared', 'token', 'a-global-value');
  await run.cluster.kubernetes.core.createNamespacedSecret({
    namespace: run.namespace,
    body: { metadata: { name: 'shared' }, stringData: { token: 'a-namespace-value' } },
  });
  const isInjectedFrom = (secret: RegExp) =>
    waitFor(
      async () => {
        const answer = await createPod(run.cluster, pod, { dryRun: true });
        assert.ok(answer.admitted);
        return secret.test(variablesOf(answer.pod)._FSEC_SHARED_TOKEN ?? '');
      },
      { timeoutMs: 20_000, what: `the secret to be injected from ${secret}` },
    );
  const gateways = run.gateways.map((gateway) => gateway.pid());
  await isInjectedFrom(/^latchkey-global-/);
  await run.survives(t, {
    what: 'the chain is turned round',
    strike: () => configure({ chain: ['k8s', 'global'] }),
  });
  await isInjectedFrom(/^shared\/token$/);
  assert.deepEqual(
    run.gateways.map((gateway) => gateway.pid()),
    gateways,
  );
});

test('a broken latchkey.yaml keeps the configuration in force', async () => {
  const services = run.cluster.services();
  const pids = services.map((service) => service.pid());
  const { core } = run.cluster.harness;
  const target = { name: configMapName, namespace: installationNamespace };
  const good = await core.readNamespacedConfigMap(target);
  const body = { metadata: { name: configMapName }, data: { 'latchkey.yaml': 'chain: [k8s' } };
  await core.replaceNamespacedConfigMap({ ...target, body });
  const isRefused = async () => {
    const logs = await Promise.all(services.map((service) => service.readLog()));
    return logs.every((log) => log.includes('configuration not usable'));
  };
  await waitFor(isRefused, { timeoutMs: 10_000, what: 'every service to refuse the file' });
  await run.takesChanges();
  await core.replaceNamespacedConfigMap({
    ...target,
    body: { metadata: { name: configMapName }, data: good.data ?? {} },
  });
  await run.takesChanges();
  assert.deepEqual(
    services.map((service) => service.pid()),
    pids,
  );
});

test('an inventory that is opened and closed again never makes a Secret look missing, though discovery is late', async () => {
  const { cluster, prober } = run;
  const created = run.aSecret('created-while-open');
  await prober.disturbed({ what: 'the inventory is opened', trusting: true }, async () => {
    await configure({ k8s: { inventory: 'open' } });
    await run.untilEveryGateway(created, 200);
    await created.create();
    await prober.observe(30);
  });
  await prober.disturbed({ what: 'the inventory is closed again', trusting: true }, async () => {
    await run.pod('discovery').stop();
    const started = untilStartedAgain(run.pod('resolver-k8s'));
    await cluster.configure(run.config);
    await started;
    // It finds the inventory from before the opening, which is complete, and old.
    const { ports } = run.pod('resolver-k8s');
    const isWaiting = async () =>
      /discovery/.test(await (await fetch(`http://127.0.0.1:${ports.health}/readyz`)).text());
    await waitFor(isWaiting, { timeoutMs: 20_000, what: 'the resolver to wait for discovery' });
    await prober.observe(20);
    await (await cluster.startService('discovery')).untilReady();
    await run.untilConverged();
  });
  await run.takesChanges();
});
