import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { newKey } from '#deploy/key-ring/key-ring-secret.ts';
import { inventoryBucket, rulesBucket } from '#shared/contracts/bus/bucket.ts';
import { askGateway } from '#testkit/gateway/ask-gateway.ts';
import { type Canary, findCanaries } from '#testkit/installation/canary-search.ts';
import { createPod, filesOf, untilAnswered, variablesOf } from '#testkit/installation/create-pod.ts';
import { copySecretsIn } from '#testkit/installation/global-copy.ts';
import { globalEntries } from '#testkit/installation/global-entries.ts';
import {
  askedToken,
  askingPod,
  type InlineInstallation,
  inlineNamespace as namespace,
  putRing,
  startInlineInstallation,
  untilLoaded,
  untilSealedUnder,
  whileAsking,
} from '#testkit/installation/inline-installation.ts';
import { untilSnapshotHolds } from '#testkit/installation/stored-snapshot.ts';
import { restart } from '#testkit/installation/until-restarted.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { auditSources, objectSources, ownSources } from './canary-sources.ts';
import { aCanary } from './planted-canaries.ts';

const inFile = aCanary('a global secret in a file');
const inVariable = aCanary('a global secret in a variable');
const changed = aCanary('a global secret that was changed');
const keys = { k1: '', k2: newKey(), k3: newKey() };

let inline: InlineInstallation;

before(async () => {
  const globals = { 'team/token': inFile.value, 'team/expanding': 'costs $(HOME), $$ and $5' };
  const globalVariables = { FLYTE_SECRET_TEAM_NAME: inVariable.value };
  inline = await startInlineInstallation(globals, { globalVariables });
  keys.k1 = inline.firstKey;
});
after(() => inline?.stop());

test('a task gets the value itself as a variable, and a file comes from the next manager', async () => {
  const { cluster } = inline.installation;
  const body = { metadata: { name: 'team' }, stringData: { token: 'of the namespace' } };
  await cluster.kubernetes.core.createNamespacedSecret({ namespace, body });
  const pod = aTaskPod(namespace, 'gets-values', [
    { ...askedToken, envVar: 'TOKEN' },
    { group: 'team', key: 'name' },
    { group: 'team', key: 'expanding' },
    { group: 'team', key: 'token', mount: 'FILE' },
  ]);
  await untilAnswered(cluster, pod, { what: 'the pod to be admitted', is: ({ admitted }) => admitted });
  const answer = await createPod(cluster, pod);
  assert.ok(answer.admitted);
  const variables = variablesOf(answer.pod);
  assert.equal(variables._FSEC_TEAM_TOKEN, inFile.value);
  assert.equal(variables.TOKEN, inFile.value);
  assert.equal(variables._FSEC_TEAM_NAME, inVariable.value);
  assert.equal(variables._FSEC_TEAM_EXPANDING, 'costs $$(HOME), $$$ and $5');
  assert.deepEqual(filesOf(answer.pod), { '/etc/flyte/secrets/team/token': 'team/token' });
  assert.ok(!answer.pod.metadata?.annotations?.['latchkey.dev/injected']?.includes(inFile.token));
});

test('a namespace that nobody selected gets global secrets too, and none gets a copy', async () => {
  const { cluster } = inline.installation;
  await cluster.createNamespace('inline-unselected');
  const answer = await createPod(cluster, aTaskPod('inline-unselected', 'gets-it', [askedToken]), {
    dryRun: true,
  });
  assert.ok(answer.admitted, JSON.stringify(answer));
  for (const where of [namespace, 'inline-unselected'])
    assert.deepEqual(await copySecretsIn(cluster, where), []);
});

test('a new discovery and a file that is written anew rewrite nothing', async () => {
  const { discovery } = inline.installation;
  const stored = async () => [
    ...(await globalEntries(inline.recorder.nc, inventoryBucket)),
    ...(await globalEntries(inline.recorder.nc, rulesBucket)),
  ];
  const before = await stored();
  assert.equal(before.length, 6);
  await writeFile(join(discovery.root, 'etc/secrets/team/token'), inFile.value);
  await restart(discovery, 'SIGKILL');
  assert.deepEqual(await stored(), before);
});

test('the key ring rotates without a failed admission, and the old key can go', async (t) => {
  const { cluster, discovery, gateways } = inline.installation;
  const holders = [discovery, ...gateways];
  const { k1, k2 } = keys;
  const { answers, failed } = await whileAsking(cluster, inFile.value, async () => {
    await putRing(cluster, { k1, k2 }, 'k1');
    await untilLoaded(holders, ['k1', 'k2'], 'k1');
    await putRing(cluster, { k1, k2 }, 'k2');
    await untilSealedUnder('k2', inline);
    await putRing(cluster, { k2 }, 'k2');
    await untilLoaded(holders, ['k2'], 'k2');
  });
  t.diagnostic(`${answers} admissions during the rotation, ${failed.length} failed`);
  assert.ok(answers > 10);
  assert.deepEqual(failed, []);
});

test('gateways without the key of a value answer 503 and name it, and recover when it is mounted', async () => {
  const { cluster, gateways } = inline.installation;
  const { k2, k3 } = keys;
  const pids = gateways.map((gateway) => gateway.pid());
  await inline.installation.discovery.stop();
  await putRing(cluster, { k3 }, 'k3');
  await untilLoaded(gateways, ['k3'], 'k3');
  const denial = await createPod(cluster, askingPod('without-key'), { dryRun: true });
  assert.ok(!denial.admitted);
  assert.equal(denial.code, 503);
  assert.match(denial.message, /"k2"/);
  await putRing(cluster, { k2, k3 }, 'k3');
  await untilLoaded(gateways, ['k2', 'k3'], 'k3');
  assert.ok((await createPod(cluster, askingPod('with-key'), { dryRun: true })).admitted);
  const discovery = await cluster.startService('discovery', { environment: { LOG_LEVEL: 'trace' } });
  inline.installation.discovery = discovery;
  await untilSealedUnder('k3', inline);
  assert.deepEqual(
    gateways.map((gateway) => gateway.pid()),
    pids,
  );
});

test('a gateway that starts while the bus is away injects the value from the snapshot, where it is sealed', async () => {
  const { installation } = inline;
  const { cluster, gateways } = installation;
  const [gateway] = gateways;
  assert.ok(gateway !== undefined);
  await untilSnapshotHolds(cluster, gateway);
  await cluster.nats.kill9();
  await restart(gateway, 'SIGTERM');
  const answer = await askGateway(installation, gateway.ports.webhook, askingPod('cold'));
  const { response } = JSON.parse(answer) as { response: { patch: string } };
  assert.ok(Buffer.from(response.patch, 'base64').toString().includes(inFile.value));
  await cluster.nats.start();
  const confirmed = async () =>
    !(await (await fetch(`http://127.0.0.1:${gateway.ports.health}/readyz`)).text()).includes('snapshot');
  await waitFor(confirmed, { timeoutMs: 20_000, what: 'the resolvers to confirm the rules' });
});

test('a changed value arrives, a removed one is gone', async () => {
  const { cluster, discovery } = inline.installation;
  await cluster.writeGlobalSecret('team', 'expanding', changed.value);
  const pod = aTaskPod(namespace, 'changed', [{ group: 'team', key: 'expanding' }]);
  await untilAnswered(cluster, pod, {
    what: 'the changed value',
    is: (answer) => answer.admitted && variablesOf(answer.pod)._FSEC_TEAM_EXPANDING === changed.value,
  });
  await rm(join(discovery.root, 'etc/secrets/team/expanding'));
  await untilAnswered(cluster, pod, {
    what: 'the removed secret to be denied',
    is: (answer) => !answer.admitted && answer.code === 404,
  });
});

test('no value and no key occurs in a log, on the bus, in the snapshot, in metrics or in traces', async () => {
  const { cluster } = inline.installation;
  const own = await ownSources(cluster, inline.recorder);
  const named = ['messages on the bus', 'records in the buckets', 'exported spans', 'snapshot of the rules'];
  for (const name of named) {
    assert.ok(
      own.some((source) => source.name === name && /team(=3D|=2F|\/)token/.test(source.text)),
      name,
    );
  }
  const ring = Object.entries(keys).map(([name, token]): Canary => ({ name, token, value: token }));
  assert.deepEqual(findCanaries([inFile, inVariable, changed, ...ring], own), []);
});

test('what the documentation says of who can read a value is true: pods and the audit log hold it', async () => {
  const { cluster } = inline.installation;
  for (const sources of [await objectSources(cluster), await auditSources(cluster)]) {
    assert.notDeepEqual(findCanaries([inFile], sources), []);
  }
});
