import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import fc from 'fast-check';
import { inventoryBucket, rulesBucket, streamOf } from '#shared/contracts/bus/bucket.ts';
import type { Cluster } from '#testkit/cluster/cluster.ts';
import { type BusRecorder, recordBus } from '#testkit/installation/bus-recorder.ts';
import { selectedLabels, startInstallation } from '#testkit/installation/running-installation.ts';
import { unlimitedUser } from '#testkit/nats/nats-server.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { isAllowed, isWithin, readUserLists, type UserLists } from './bus-lists.ts';

const streams = [inventoryBucket, rulesBucket].map(streamOf);
const userLists = await readUserLists();
const users = [...userLists.keys()];

/** Operations of JetStream's API on a stream, and on a consumer of one. */
const streamVerbs =
  'CREATE UPDATE NAMES LIST INFO DELETE PURGE MSG.GET MSG.DELETE SNAPSHOT RESTORE PEER.REMOVE LEADER.STEPDOWN';
const consumerVerbs = 'CREATE DURABLE.CREATE NAMES LIST INFO DELETE PAUSE UNPIN MSG.NEXT LEADER.STEPDOWN';
const administration = [...streams, 'KV_other', 'x', '*', '>'].flatMap((stream) => [
  ...streamVerbs.split(' ').map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
  ...consumerVerbs.split(' ').map((verb) => `$JS.API.CONSUMER.${verb}.${stream}`),
  ...consumerVerbs.split(' ').map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.x`),
  `$JS.API.DIRECT.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}.$KV.latchkey_rules.k8s.manifest`,
  `$JS.ACK.${stream}.x.1.1.1.1.1`,
]);
const system = [
  ...['$SYS.REQ.SERVER.PING', '$SYS.REQ.ACCOUNT.PING.CONNZ', '$SYS.REQ.USER.INFO', '$SYS.ACCOUNT.x.CONNECT'],
  ...['$JS.API.INFO', '$JS.API.SERVER.REMOVE', '$JS.API.META.LEADER.STEPDOWN', '$JS.API.ACCOUNT.PURGE.x'],
  ...[
    '$JS.EVENT.ADVISORY.API',
    '$SRV.PING',
    '$NRG.x',
    '$G',
    '_GR_.x',
    '_R_.x',
    '_INBOX.x',
    'x',
    'latchkey.x',
  ],
];
const ends: Record<string, string> = { '*': 'x', '>': 'x.y' };
const instanceOf = (pattern: string): string =>
  pattern
    .split('.')
    .map((token) => ends[token] ?? token)
    .join('.');
/** What anybody may do, and what looks like it. */
const neighbours = [...userLists.values()].flatMap(({ publish, subscribe }) =>
  [...publish, ...subscribe].flatMap((pattern) => {
    const concrete = instanceOf(pattern);
    const parent = concrete.split('.').slice(0, -1).join('.');
    return [concrete, `${concrete}.x`, `${concrete}x`, parent, `${parent}.other`].filter(
      (subject) => subject !== '',
    );
  }),
);
const vocabulary = [...new Set([...neighbours, ...administration].flatMap((subject) => subject.split('.')))];
const shuffled = fc.sample(
  fc.array(fc.constantFrom(...vocabulary.filter((token) => token !== '*' && token !== '>')), {
    minLength: 1,
    maxLength: 6,
  }),
  { seed: 3, numRuns: 1_000 },
);
const candidates = [
  ...new Set([...administration, ...system, ...neighbours, ...shuffled.map((tokens) => tokens.join('.'))]),
];
const isConcrete = (subject: string): boolean => !subject.split('.').some((token) => token in ends);
const wildcards = [
  '>',
  '*',
  '*.>',
  '$KV.>',
  '$KV.*.k8s.>',
  '$JS.>',
  '$SYS.>',
  'latchkey.>',
  'latchkey.changed.>',
];
const inboxes = users.flatMap((user) => [`_INBOX_${user}.>`, `_INBOX_${user}.*`, `*.x`]);

/** The subjects that the server refused `user` to publish or subscribe to. */
async function refusedOf(
  { nats }: TestBus,
  user: string,
  operation: 'publish' | 'subscription',
  attempts: readonly string[],
): Promise<Set<string>> {
  const nc = await connect({ servers: nats.url, user, pass: nats.passwords[user] ?? '', reconnect: false });
  const refused = new Set<string>();
  const following = (async () => {
    for await (const status of nc.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue;
      if (status.error.operation === operation) refused.add(status.error.subject);
    }
  })();
  const attempt = {
    publish: (subject: string) => nc.publish(subject, '{'),
    subscription: (subject: string) => void nc.subscribe(subject, { callback: () => undefined }),
  }[operation];
  for (const subject of attempts) attempt(subject);
  await nc.flush();
  await nc.close();
  await following;
  return refused;
}

test('whatever is on no list of a user is refused, and nothing that is', async (t) => {
  const testBus = await startTestBus();
  t.after(() => testBus.stop());
  const published = candidates.filter(isConcrete);
  const subscribed = [...new Set([...candidates, ...wildcards, ...inboxes])];
  t.diagnostic(
    `${users.length} users, ${published.length} subjects published, ${subscribed.length} subscribed`,
  );
  for (const [user, { publish, subscribe }] of userLists) {
    const refusedToPublish = await refusedOf(testBus, user, 'publish', published);
    const wrong = published.filter(
      (subject) => refusedToPublish.has(subject) === isAllowed(subject, publish),
    );
    assert.deepEqual(wrong, [], `${user} publishes`);
    const refusedToSubscribe = await refusedOf(testBus, user, 'subscription', subscribed);
    assert.deepEqual(
      subscribed.filter((subject) => refusedToSubscribe.has(subject) === isAllowed(subject, subscribe)),
      [],
      `${user} subscribes`,
    );
  }
});

test('no user may read, write or delete what belongs to another', () => {
  for (const [user, { publish, subscribe }] of userLists) {
    const others = users.filter((other) => other !== user);
    for (const other of others) assert.ok(!isAllowed(`_INBOX_${other}.x`, [...publish, ...subscribe]), user);
    const owners = users.filter((other) =>
      userLists
        .get(other)
        ?.publish.some((pattern) => pattern.startsWith('$KV.') && isAllowed(instanceOf(pattern), publish)),
    );
    assert.deepEqual(
      owners,
      owners.length === 0 ? [] : [user],
      `${user} writes records of its own prefix only`,
    );
    // Discovery makes room for all where a manager outside the chain has filled the rules; publishers store theirs again.
    assert.deepEqual(
      publish.filter((subject) => /DELETE|PURGE|CONSUMER|MSG/.test(subject)),
      user === 'discovery' ? ['$JS.API.STREAM.PURGE.KV_latchkey_rules'] : [],
    );
  }
});

/** Subjects that each user published, told by its private reply subject or, for a heartbeat, by the pod that sent it. */
function publishedBy({ messages }: BusRecorder, cluster: Cluster): Map<string, Set<string>> {
  const userOfUid = new Map(cluster.services().map(({ uid, name }) => [uid, name.replace(/-\d+$/, '')]));
  const published = new Map<string, Set<string>>();
  for (const { subject, reply } of messages) {
    const uid = /^latchkey\.heartbeat\..*\.([^.]+)$/.exec(subject)?.[1] ?? '';
    const user = /^_INBOX_([\w-]+)\./.exec(reply)?.[1] ?? userOfUid.get(uid);
    if (user !== undefined) published.set(user, (published.get(user) ?? new Set()).add(subject));
  }
  return published;
}

interface Connz {
  connections: { authorized_user: string; subscriptions_list?: string[] }[];
}

async function subscribedBy({ nats }: Cluster): Promise<Map<string, string[]>> {
  const response = await fetch(`${nats.monitoringUrl}/connz?subs=1&auth=1`);
  const { connections } = (await response.json()) as Connz;
  return new Map(
    connections.map((connection) => [connection.authorized_user, connection.subscriptions_list ?? []]),
  );
}

/** Lines of the lists that nobody has used. */
function unused(lists: UserLists, published: Iterable<string>, subscribed: Iterable<string>): string[] {
  const isUsed = (pattern: string, subjects: Iterable<string>) =>
    [...subjects].some((subject) => isWithin(subject, pattern));
  return [
    ...lists.publish.filter((pattern) => !isUsed(pattern, published)),
    ...lists.subscribe.filter((pattern) => !isUsed(pattern, subscribed)),
  ];
}

/** Changes the settings of both streams, so that discovery has something to bring back. */
async function disturbStreams(nc: NatsConnection): Promise<void> {
  const jsm = await jetstreamManager(nc);
  for (const stream of streams) {
    const { config } = await jsm.streams.info(stream);
    const isRestored = async () =>
      (await jsm.streams.info(stream)).config.max_msg_size === config.max_msg_size;
    await jsm.streams.update(stream, { max_msg_size: 500_000 });
    await waitFor(isRestored, { timeoutMs: 20_000, what: `discovery to bring ${stream} back` });
  }
}

/** Fills the rules with records of nobody, for discovery to purge. */
async function fillRules(nc: NatsConnection): Promise<void> {
  const records = Array.from({ length: 8 }, (_, index) => `$KV.latchkey_rules.nobody.entry._.j${index}`);
  for (const subject of records) await nc.request(subject, new Uint8Array(900_000), { timeout: 10_000 });
}

test('every line of every user’s lists is used by the services, and nothing was refused', async (t) => {
  const recorded = Promise.withResolvers<BusRecorder>();
  const { cluster, stop } = await startInstallation({
    managers: ['aws', 'gcp', 'azure', 'vault'],
    globals: { 'team/token': 'a-global-value' },
    config: { bus: { bucketMiB: 8 } },
    prepare: async (bare) => {
      recorded.resolve(await recordBus(bare));
      await bare.createNamespace('team', selectedLabels);
    },
  });
  t.after(stop);
  const recorder = await recorded.promise;
  t.after(() => recorder.stop());
  await disturbStreams(recorder.nc);
  await fillRules(recorder.nc);
  await waitFor(
    async () => {
      const published = publishedBy(recorder, cluster);
      const subscribed = await subscribedBy(cluster);
      const left = users.flatMap((user) => {
        const lists = userLists.get(user);
        if (lists === undefined) return [];
        return unused(lists, published.get(user) ?? [], subscribed.get(user) ?? []).map(
          (line) => `${user}: ${line}`,
        );
      });
      if (left.length > 0) throw new Error(`not used: ${left.join(', ')}`);
      return true;
    },
    { timeoutMs: 20_000, what: 'every line of the lists to be used' },
  );
  const present = [...(await subscribedBy(cluster)).keys()].filter((user) => user !== unlimitedUser);
  assert.deepEqual(present.sort(), [...users].sort());
  assert.doesNotMatch(await cluster.nats.process().readLog(), /permissions violation/i);
});
