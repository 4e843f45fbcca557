import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { inventoryBucket, rulesBucket, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { askGateway } from '#testkit/gateway/ask-gateway.ts';
import { asBusAdmin } from '#testkit/installation/bus-admin.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import {
  bothVersions,
  oneFieldMore,
  secondBucket,
  secondVersion,
  unknownEdit,
  withSecondBuckets,
  writeVersion,
} from './other-version.ts';

let run: FaultRun;
/** Folders of other versions. */
let code: Record<'later' | 'stranger' | 'both' | 'second', string>;

before(async () => {
  // A gateway that waits for rules waits longer than any test.
  run = await startFaultRun({ adaptNats: withSecondBuckets, readyGraceSeconds: 300 });
  const folderOf = (name: string) => join(run.cluster.folder, 'versions', name);
  code = {
    later: folderOf('later'),
    stranger: folderOf('stranger'),
    both: folderOf('both'),
    second: folderOf('second'),
  };
  await writeVersion(code.later, oneFieldMore);
  await writeVersion(code.stranger, unknownEdit);
  await writeVersion(code.both, bothVersions);
  await writeVersion(code.second, secondVersion);
});
after(() => run?.stop());

/** Ends one pod of each service and starts it again with another version of the code (this one without `codeFolder`). */
async function rollOut(services: readonly string[], codeFolder?: string, replica = 0): Promise<void> {
  const replace = async (service: string): Promise<void> => {
    await run.cluster
      .services()
      .find(({ name }) => name === `${service}-${replica}`)
      ?.stop();
    const code = codeFolder === undefined ? {} : { codeFolder };
    await (await run.cluster.startService(service, { replica, ...code })).untilReady();
  };
  await Promise.all(services.map(replace));
}

const resolvers = ['resolver-global', 'resolver-k8s'];
const publishers = ['discovery', ...resolvers];

/** What both gateways answer about the same pods is the same, byte for byte. */
async function gatewaysAnswerAlike(): Promise<void> {
  const { namespace } = run;
  const pods = [
    aTaskPod(namespace, 'known', [{ group: 'stable', key: 'password', mount: 'ENV_VAR' }]),
    aTaskPod(namespace, 'global', [{ group: 'team', key: 'token', mount: 'FILE' }]),
    aTaskPod(namespace, 'missing', [{ group: 'never', key: 'password', mount: 'ENV_VAR' }]),
  ];
  const gateways = run.cluster.services().filter(({ name }) => name.startsWith('gateway-'));
  for (const pod of pods) {
    const ask = gateways.map(({ ports }) => askGateway(run, ports.webhook, pod));
    const [first, second, ...others] = await Promise.all(ask);
    assert.equal(first, second);
    assert.equal(others.length, 0);
  }
}

/** Every answer is right while it happens and after it, both gateways learn what changes, and they answer alike. */
async function survives(t: TestContext, what: string, strike: () => Promise<void>): Promise<void> {
  await run.survives(t, { what, strike });
  await gatewaysAnswerAlike();
}

/** The recipe of k8s as it is stored in a bucket, JSON. */
const storedRecipe = (bucket: string): Promise<string> =>
  asBusAdmin(run.cluster.nats, async (streams) => {
    const query = { last_by_subj: subjectOf(bucket, 'k8s.recipe') };
    return new TextDecoder().decode((await streams.getMessage(streamOf(bucket), query))?.data);
  });

test('versions that differ by a field work together in any order', async (t) => {
  await survives(t, 'discovery and one of two gateways later than the resolvers', () =>
    rollOut(['discovery', 'gateway'], code.later),
  );
  await survives(t, 'resolvers later than discovery and one of two gateways', async () => {
    await Promise.all([rollOut(resolvers, code.later), rollOut(['discovery'])]);
  });
  assert.match(await storedRecipe(rulesBucket), /"addedLater"/);
});

test('a recipe that gateways cannot read leaves the one before in force, and no new gateway is asked', async (t) => {
  await survives(t, 'a resolver whose recipe is unknown', () => rollOut(['resolver-k8s'], code.stranger));
  const [gateway] = run.cluster.services().filter(({ name }) => name === 'gateway-1');
  await gateway?.stop();
  const restarted = await run.cluster.startService('gateway', { replica: 1 });
  const reasons = async () =>
    (await (await fetch(`http://127.0.0.1:${restarted.ports.health}/readyz`)).text()).includes(
      '"reasons":["no complete rules of manager k8s yet"',
    );
  await waitFor(reasons, { timeoutMs: 20_000, what: 'the new gateway to miss the rules of k8s only' });
  await run.prober.observe(5);
  assert.equal(restarted.run.isReady(), false);
  await run.prober.disturbed({ what: 'a resolver whose recipe is known' }, async () => {
    await rollOut(['resolver-k8s']);
    await restarted.untilReady();
    await run.untilConverged();
  });
  await run.nothingWentWrong();
  await gatewaysAnswerAlike();
});

test('an incompatible version comes and the one before goes, a pod at a time, and nobody notices', async (t) => {
  await survives(t, 'publishers of both, and one gateway of each', () =>
    rollOut([...publishers, 'gateway'], code.both),
  );
  assert.match(await storedRecipe(rulesBucket), /^{"schema":1/);
  assert.match(await storedRecipe(secondBucket(rulesBucket)), /^{"schema":2/);
  await survives(t, 'gateways of the second', () => rollOut(['gateway'], code.both, 1));
  await survives(t, 'publishers that know nothing of the first, whose buckets are deleted', async () => {
    await rollOut(publishers, code.second);
    for (const bucket of [rulesBucket, inventoryBucket]) {
      await asBusAdmin(run.cluster.nats, (streams) => streams.delete(streamOf(bucket)));
    }
  });
  await assert.rejects(storedRecipe(rulesBucket));
});
