import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { ensureBuckets } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { connectServiceBus } from '#shared/bus/link/service-bus.ts';
import { createPublisher } from '#shared/bus/publish/publisher.ts';
import { rulesBucket, streamOf } from '#shared/contracts/bus/bucket.ts';
import { connectKubernetes, type Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { type BareCluster, startBareCluster } from '#testkit/cluster/bare-cluster.ts';
import { snapshotSummary, storedSnapshot } from '#testkit/installation/stored-snapshot.ts';
import { entries, entryKey } from '#testkit/nats/follow-set.ts';
import { unlimitedUser } from '#testkit/nats/nats-server.ts';
import { writeCredentials } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createSnapshotKeeper } from './snapshot-keeper.ts';

const deploy = `${import.meta.dirname}/../../../deploy`;
const intervalMs = 1_000;
const timeoutMs = 30_000;
const clock = systemClock;
const logLines: string[] = [];
const log = pino({ level: 'info' }, { write: (line) => logLines.push(line) });

let cluster: BareCluster;
let bus: Bus;
let kubernetes: Kubernetes;
let keeper: ReturnType<typeof createSnapshotKeeper>;

const startKeeper = () =>
  createSnapshotKeeper({
    bus,
    kubernetes,
    namespace: 'latchkey',
    managers: ['k8s'],
    mostBytes: 32 * 1_024 * 1_024,
    intervalMs,
    // Nobody beats here.
    staleAfterMs: 600_000,
    clock,
    log,
  });
const publish = () =>
  createPublisher(bus, { bucket: rulesBucket, owner: 'k8s', log, clock, onSuperseded: () => undefined });
const storedKeys = async () => (await storedSnapshot(cluster))?.records.map(({ key }) => key).toSorted();
const until = (what: string, isMet: () => unknown) => waitFor(isMet, { timeoutMs, what });
const untilStored = (secrets: readonly string[]) => {
  const wanted = [...secrets.map((secret) => entryKey('k8s', secret)), 'k8s.manifest'];
  return until(`a snapshot of ${secrets}`, async () => `${await storedKeys()}` === `${wanted.toSorted()}`);
};

before(async () => {
  cluster = await startBareCluster();
  await cluster.kubectl(['apply', '-f', `${deploy}/namespace.yaml`, '-f', `${deploy}/rules-snapshot.yaml`]);
  const credentials = `${cluster.folder}/credentials`;
  await writeCredentials(credentials, unlimitedUser, cluster.nats.passwords[unlimitedUser] ?? '');
  bus = connectServiceBus(unlimitedUser, {
    process: { NATS_URL: cluster.natsUrl, NATS_CREDENTIALS: credentials, POD_NAME: 'test' },
    log,
    clock,
    end: () => undefined,
  });
  assert.ok(await ensureBuckets(bus, { log, replicas: 1 }));
  kubernetes = connectKubernetes({ kubeconfigFile: cluster.kubeconfigFile, log });
  keeper = startKeeper();
});
after(async () => {
  await keeper?.stop();
  await bus?.close();
  kubernetes?.close();
  await cluster?.stop();
});

test('complete rules are stored, and what did not change is not written again', async () => {
  const publisher = publish();
  publisher.replace(entries('k8s', { a: 1, b: 2 }));
  await untilStored(['a', 'b']);
  const { generation, owners } = await snapshotSummary(cluster);
  assert.deepEqual(owners, [{ owner: 'k8s', epoch: 1, seq: 1, records: 2 }]);
  await keeper.stop();
  keeper = startKeeper();
  publisher.put(entryKey('k8s', 'c'), { schema: 1, value: 3 });
  await untilStored(['a', 'b', 'c']);
  assert.notEqual((await snapshotSummary(cluster)).generation, generation);
  await publisher.stop();
  const written = logLines.filter((line) => line.includes('snapshot of the rules stored'));
  assert.deepEqual(
    written.map((line) => (JSON.parse(line) as { writes: number }).writes),
    [1, 1],
  );
});

test('a discovery that starts on an emptied bus keeps what is stored, until somebody publishes', async () => {
  await keeper.stop();
  const { jsm } = await bus.linked();
  await jsm.streams.delete(streamOf(rulesBucket));
  assert.ok(await ensureBuckets(bus, { log, replicas: 1 }));
  await cluster.kubectl([
    'annotate',
    'secret',
    '-n',
    'latchkey',
    'latchkey-rules-snapshot-3',
    'latchkey.dev/snapshot=x',
  ]);
  keeper = startKeeper();
  // By repairing this it shows that it has looked.
  const isRepaired = async () =>
    !(
      await cluster.kubectl(['get', 'secret', '-n', 'latchkey', 'latchkey-rules-snapshot-3', '-o', 'json'])
    ).includes('"latchkey.dev/snapshot"');
  await until('the keeper to have looked', isRepaired);
  await untilStored(['a', 'b', 'c']);
});

test('installing deploy/ again keeps what is stored', async () => {
  const [before, summary] = [await storedSnapshot(cluster), await snapshotSummary(cluster)];
  await cluster.kubectl(['apply', '-k', deploy]);
  await cluster.kubectl(['apply', '-k', deploy]);
  assert.deepEqual([await storedSnapshot(cluster), await snapshotSummary(cluster)], [before, summary]);
});

test('rules that do not fit leave the snapshot before in place, and are told once', async () => {
  const large = Array.from({ length: 60 }, (_, index) => [
    `l${index}`,
    randomBytes(75_000).toString('base64'),
  ]);
  // It only takes the epoch of the snapshot, which nobody confirms here: the next one is later.
  const first = publish();
  await first.claimed();
  await first.stop();
  const successor = publish();
  successor.replace(entries('k8s', Object.fromEntries(large)));
  const isTold = () => logLines.some((line) => line.includes('SNAPSHOT_TOO_LARGE'));
  await until('the size to be told', isTold);
  await untilStored(['a', 'b', 'c']);
  successor.replace(entries('k8s', { d: 4 }));
  await untilStored(['d']);
  assert.equal(logLines.filter((line) => line.includes('SNAPSHOT_TOO_LARGE')).length, 1);
  await successor.stop();
});
