import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { podMemoryGoesOn } from '#testkit/faults/pod-memory.ts';
import { selectedLabels } from '#testkit/installation/running-installation.ts';

let run: FaultRun;
before(async () => {
  run = await startFaultRun();
  await run.cluster.createNamespace('tenant-unseen');
  await run.cluster.createNamespace('tenant-seen', selectedLabels);
});
after(() => run?.stop());

/** As much as the API server stores in one Secret. */
const create = (namespace: string, name: string) =>
  run.cluster.harness.core.createNamespacedSecret({
    namespace,
    body: { metadata: { name }, data: { x: randomBytes(1_000_000).toString('base64') } },
  });

test('discovery starts beside 120 Secrets of 1 MB in a namespace that is not selected and 20 in one that is, and serves new ones', async (t) => {
  for (let index = 0; index < 120; index += 1) await create('tenant-unseen', `big-${index}`);
  for (let index = 0; index < 20; index += 1) await create('tenant-seen', `big-${index}`);
  await run.survives(t, {
    what: 'discovery ends, and another one lists everything',
    strike: () => run.pod('discovery').stop(),
    heal: async () => (await run.cluster.startService('discovery')).untilReady(),
  });
  const pids = run.cluster.services().map((pod) => pod.pid());
  await podMemoryGoesOn(run, pids, t);
});
