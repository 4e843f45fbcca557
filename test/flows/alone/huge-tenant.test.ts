import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, type TestContext, test } from 'node:test';
import { connect, headers } from '@nats-io/transport-node';
import { rulesBucket, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { type FaultRun, startFaultRun } from '#testkit/faults/fault-run.ts';
import { podMemoryGoesOn } from '#testkit/faults/pod-memory.ts';
import { askGateway } from '#testkit/gateway/ask-gateway.ts';
import { selectedLabels } from '#testkit/installation/running-installation.ts';
import { storedSnapshot } from '#testkit/installation/stored-snapshot.ts';
import { entryKey } from '#testkit/nats/follow-set.ts';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

const tenant = 'tenant-m';
const timeoutMs = 60_000;
let run: FaultRun;
let pids: readonly number[];

before(async () => {
  run = await startFaultRun();
  await run.cluster.createNamespace(tenant, selectedLabels);
  pids = run.cluster.services().map((pod) => pod.pid());
});
after(() => run?.stop());

type Keys = Readonly<Record<string, string>>;
const emptyValues = (keys: readonly string[]): Keys => Object.fromEntries(keys.map((key) => [key, '']));
const numbered = (count: number): Keys =>
  emptyValues(Array.from({ length: count }, (_, index) => index.toString(36)));
const random = (count: number): Keys =>
  emptyValues(Array.from({ length: count }, () => randomBytes(15).toString('base64url')));
const create = (name: string, data: Keys) =>
  run.cluster.harness.core.createNamespacedSecret({ namespace: tenant, body: { metadata: { name }, data } });

const nobodyElseNotices = (t: TestContext) => podMemoryGoesOn(run, pids, t);

/** What the author of a task gets that asks for this key of the tenant's. */
async function answerTo(secret: string, key: string): Promise<string> {
  const [gateway] = run.pods('gateway');
  const pod = aTaskPod(tenant, 'asks', [{ group: secret, key }]);
  const { response } = JSON.parse(await askGateway(run, gateway?.ports.webhook ?? 0, pod)) as {
    response: { allowed: boolean; status?: { message: string } };
  };
  return response.allowed ? 'admitted' : (response.status?.message ?? '');
}
const untilAnswered = (secret: string, key: string, pattern: RegExp) =>
  waitFor(async () => pattern.test(await answerTo(secret, key)), {
    timeoutMs,
    what: `${secret}/${key} to be answered with ${pattern}`,
  });
const untilInSnapshot = (namespace: string, secret: string) =>
  waitFor(
    async () => {
      const key = entryKey('k8s', secret).replace('.ns.', `.${namespace}.`);
      return (await storedSnapshot(run.cluster))?.records.some((record) => record.key === key);
    },
    { timeoutMs, what: `${secret} to be in the snapshot` },
  );

test('18 Secrets of 62,000 keys, and 9 of 28,000 random ones, are left out, and nobody else notices', async (t) => {
  for (let index = 0; index < 18; index += 1) await create(`k${index}`, numbered(62_000));
  for (let index = 0; index < 9; index += 1) await create(`r${index}`, random(28_000));
  await create('small', numbered(3));
  await untilAnswered('small', '1', /^admitted$/);
  await untilAnswered('r8', 'x', /leaves this Secret out, for it has too many keys/);
  await nobodyElseNotices(t);
  const late = run.aSecret('late');
  await late.create();
  await untilInSnapshot(run.namespace, late.name);
  run.prober.forget(late);
});

test('a namespace filled to its limit is served as far as it goes, its other Secrets are 503, and nobody else notices', async (t) => {
  for (let index = 0; index < 60; index += 1) await create(`f${index}`, random(1_000));
  await untilAnswered('f59', 'x', /leaves some Secrets of namespace "tenant-m" out/);
  await untilAnswered('small', '1', /^admitted$/);
  await nobodyElseNotices(t);
});

test('one key of a large Secret that comes and goes costs nobody else anything', async (t) => {
  const { core } = run.cluster.harness;
  for (const name of ['f0', 'k0']) {
    for (let round = 0; round < 20; round += 1) {
      const { data = {} } = await core.readNamespacedSecret({ namespace: tenant, name });
      const next =
        round % 2 === 0
          ? { ...data, flap: '' }
          : Object.fromEntries(Object.entries(data).filter(([key]) => key !== 'flap'));
      await core.replaceNamespacedSecret({
        namespace: tenant,
        name,
        body: { metadata: { name }, data: next },
      });
    }
  }
  await nobodyElseNotices(t);
});

test('whoever has the login of an unused manager and fills the bucket with it is named and purged, and nobody else notices', async (t) => {
  const { nats } = run.cluster;
  const user = 'resolver-aws';
  const connection = await connect({
    servers: nats.url,
    ...{ user, pass: nats.passwords[user] ?? '', inboxPrefix: `_INBOX_${user}` },
  });
  t.after(() => connection.close());
  const stamp = headers();
  stamp.set('Latchkey-Epoch', '1');
  const body = JSON.stringify({ schema: 1, items: {}, x: 'y'.repeat(900_000) });
  let refused = 0;
  for (let index = 0; index < 300; index += 1) {
    const subject = subjectOf(rulesBucket, `aws.entry._.j${index}`);
    const answer = await connection.request(subject, body, { headers: stamp, timeout: 10_000 });
    if (/maximum bytes exceeded/.test(answer.string())) refused += 1;
  }
  const told = async () => /the bucket is nearly full.*/.exec(await run.pod('discovery').readLog())?.[0];
  // On a slow machine discovery makes room before the bucket is full.
  assert.ok(refused > 0 || (await told()) !== undefined);
  await waitFor(told, { timeoutMs, what: 'discovery to tell who fills the bucket' });
  // Discovery makes room: what is new arrives without anybody's doing.
  await nobodyElseNotices(t);
});
