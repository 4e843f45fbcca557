import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { connect, type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import { createDigestSet } from '#shared/bus/records/digest.ts';
import { formatHeaders } from '#shared/bus/records/record.ts';
import { inventoryBucket, rulesBucket, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { aManifest } from '#testkit/nats/a-record.ts';
import { entries, entryKey, followSet, publishSet, waitForValues } from '#testkit/nats/follow-set.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { bucketStream, ensureBuckets } from './buckets.ts';
import { publishHeartbeat, subscribeHeartbeats } from './heartbeats.ts';

let testBus: TestBus;

before(async () => {
  testBus = await startTestBus();
});
after(() => testBus.stop());

const api = (verb: string, bucket: string) => `$JS.API.${verb}.${streamOf(bucket)}`;
const readBucket = (bucket: string) => [api('STREAM.INFO', bucket), api('DIRECT.GET', bucket)];
const makeBucket = (bucket: string) => [api('STREAM.CREATE', bucket), api('STREAM.UPDATE', bucket)];
const changes = (bucket: string, owner: string) => `latchkey.changed.${bucket}.${owner}.manifest`;
const record = (bucket: string, owner: string) => subjectOf(bucket, `${owner}.manifest`);
const heartbeat = (sender: string) => `latchkey.heartbeat.${sender}.uid`;
const resolverHeartbeat = (manager: string) => heartbeat(`resolver.${manager}`);
const inbox = (user: string) => `_INBOX_${user}.x`;

const resolver = (manager: string) => ({
  publish: [
    ...readBucket(inventoryBucket),
    ...readBucket(rulesBucket),
    record(rulesBucket, manager),
    resolverHeartbeat(manager),
  ],
  subscribe: [
    inbox(`resolver-${manager}`),
    changes(inventoryBucket, manager),
    changes(rulesBucket, manager),
    resolverHeartbeat(manager),
    heartbeat('discovery'),
  ],
});

/** A manager of a provider reads no inventory. */
const providerResolver = (manager: string) => ({
  publish: [...readBucket(rulesBucket), record(rulesBucket, manager), resolverHeartbeat(manager)],
  subscribe: [inbox(`resolver-${manager}`), changes(rulesBucket, manager), resolverHeartbeat(manager)],
});
const discovered = ['global', 'k8s'];
const owners = [...managers.keys()];
const providers = owners.filter((owner) => !discovered.includes(owner));
/** Gateways need it, and discovery for its snapshot. */
const rulesOfAll = [...owners.map((owner) => changes(rulesBucket, owner)), ...owners.map(resolverHeartbeat)];

/** What each user may do: everything else in `subjects` is refused. */
const allowed: Record<string, { publish: string[]; subscribe: string[] }> = {
  gateway: {
    publish: [...readBucket(rulesBucket), heartbeat('gateway')],
    subscribe: [inbox('gateway'), ...rulesOfAll],
  },
  'cert-manager': {
    publish: [heartbeat('cert-manager')],
    subscribe: [heartbeat('gateway')],
  },
  discovery: {
    publish: [
      ...makeBucket(inventoryBucket),
      ...makeBucket(rulesBucket),
      api('STREAM.PURGE', rulesBucket),
      ...readBucket(inventoryBucket),
      ...readBucket(rulesBucket),
      ...discovered.map((owner) => record(inventoryBucket, owner)),
      heartbeat('discovery'),
    ],
    subscribe: [
      inbox('discovery'),
      ...discovered.map((owner) => changes(inventoryBucket, owner)),
      ...rulesOfAll,
    ],
  },
  ...Object.fromEntries(discovered.map((manager) => [`resolver-${manager}`, resolver(manager)])),
  ...Object.fromEntries(providers.map((manager) => [`resolver-${manager}`, providerResolver(manager)])),
};

const buckets = [inventoryBucket, rulesBucket];
const subjects = [
  ...Object.keys(allowed).map(inbox),
  ...['gateway', 'cert-manager', 'discovery', 'resolver'].map(heartbeat),
  ...buckets.flatMap((bucket) => [
    ...readBucket(bucket),
    ...makeBucket(bucket),
    ...['STREAM.DELETE', 'STREAM.PURGE', 'STREAM.MSG.GET', 'STREAM.MSG.DELETE'].map((verb) =>
      api(verb, bucket),
    ),
    `${api('CONSUMER.CREATE', bucket)}.c`,
    `${api('CONSUMER.DURABLE.CREATE', bucket)}.c`,
    `${api('CONSUMER.MSG.NEXT', bucket)}.c`,
    `${api('DIRECT.GET', bucket)}.${record(bucket, 'k8s')}`,
    ...owners.flatMap((owner) => [record(bucket, owner), changes(bucket, owner)]),
  ]),
  '$JS.API.INFO',
  '$JS.API.STREAM.NAMES',
  '$JS.API.STREAM.CREATE.other',
  '$SYS.REQ.SERVER.PING',
  'anything.else',
];
const wildcards = ['>', '$KV.>', '$JS.>', 'latchkey.>', '_INBOX.>', '_INBOX_gateway.>', '_INBOX_discovery.>'];

const login = (user: string): Promise<NatsConnection> =>
  connect({
    servers: testBus.nats.url,
    user,
    pass: testBus.nats.passwords[user] ?? '',
    inboxPrefix: `_INBOX_${user}`,
    reconnect: false,
  });

/** The subjects of `tried` that the server refused, after `attempt` was made for each. */
async function refused(
  user: string,
  operation: 'publish' | 'subscription',
  tried: readonly string[],
  attempt: (nc: NatsConnection, subject: string) => void,
): Promise<string[]> {
  const nc = await login(user);
  const found = new Set<string>();
  const following = (async () => {
    for await (const status of nc.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue;
      if (status.error.operation === operation) found.add(status.error.subject);
    }
  })();
  for (const subject of tried) attempt(nc, subject);
  await nc.flush();
  await nc.close();
  await following;
  return [...found].sort();
}

for (const [user, lists] of Object.entries(allowed)) {
  const wildcard = `_INBOX_${user}.>`;

  test(`${user} can publish what is on its list and nothing else`, async () => {
    // A garbled body: the point is who may ask, not what comes of it.
    const found = await refused(user, 'publish', subjects, (nc, subject) => nc.publish(subject, '{'));
    assert.deepEqual(found, subjects.filter((subject) => !lists.publish.includes(subject)).sort());
  });

  test(`${user} can subscribe to what is on its list and nothing else`, async () => {
    const tried = [...subjects, ...wildcards];
    const found = await refused(user, 'subscription', tried, (nc, subject) => {
      nc.subscribe(subject, { callback: () => undefined });
    });
    const expected = tried.filter((subject) => !lists.subscribe.includes(subject) && subject !== wildcard);
    assert.deepEqual(found, expected.sort());
  });
}

test('discovery brings a bucket with other settings back to those of latchkey', async () => {
  const { jsm } = await testBus.admin();
  const { republish, ...other } = bucketStream(rulesBucket, {});
  await testBus.deleteBucket(rulesBucket);
  await jsm.streams.add({ ...other, allow_direct: false });
  const discovery = await testBus.connect('discovery');
  assert.equal(await ensureBuckets(discovery, { log: testBus.log }), true);
  const { config } = await jsm.streams.info(streamOf(rulesBucket));
  assert.equal(config.allow_direct, true);
  assert.deepEqual(config.republish, republish);
});

test('each service does its whole work within its list', async (t) => {
  const [discovery, resolving, gateway, certificates] = await Promise.all(
    ['discovery', 'resolver-k8s', 'gateway', 'cert-manager'].map((user) => testBus.connect(user)),
  );
  assert.ok(discovery && resolving && gateway && certificates);
  const from = testBus.logLines.length;
  assert.equal(await ensureBuckets(discovery, { log: testBus.log }), true);
  assert.equal(await ensureBuckets(discovery, { log: testBus.log, replicas: 1 }), true);

  const inventory = followSet(t, testBus, resolving, inventoryBucket, 'k8s');
  const rules = followSet(t, testBus, gateway, rulesBucket, 'k8s');
  publishSet(t, testBus, discovery, inventoryBucket, 'k8s').replace(entries('k8s', { a: 1 }));
  await waitForValues(inventory, 'k8s', { a: 1 });
  const publisher = publishSet(t, testBus, resolving, rulesBucket, 'k8s');
  publisher.replace(entries('k8s', { a: 1 }));
  publisher.put(entryKey('k8s', 'b'), { schema: 1, value: 2 });
  await waitForValues(rules, 'k8s', { a: 1, b: 2 });

  const heard = new Set<string>();
  const hear = (service: string) => () => heard.add(service);
  t.after(subscribeHeartbeats(resolving, 'discovery', hear('discovery')));
  t.after(subscribeHeartbeats(resolving, { manager: 'k8s' }, hear('another resolver')));
  t.after(subscribeHeartbeats(gateway, 'resolver', hear('resolver')));
  t.after(subscribeHeartbeats(certificates, 'gateway', hear('gateway')));
  const beat = { schema: 1 as const, uid: 'u', ready: true, applied: [], sourceAgeMs: 0 };
  await waitFor(
    () => {
      publishHeartbeat(discovery, { ...beat, service: 'discovery' });
      publishHeartbeat(resolving, { ...beat, service: 'resolver', manager: 'k8s' });
      publishHeartbeat(gateway, { ...beat, service: 'gateway' });
      publishHeartbeat(certificates, { ...beat, service: 'cert-manager' });
      return heard.size === 4;
    },
    { timeoutMs: 5_000, what: 'the heartbeats' },
  );
  assert.deepEqual(
    testBus.logLines.slice(from).filter((line) => line.includes('ermission')),
    [],
  );
});

test('an answer that a reader has sent into the bucket is no record: nobody believes it, and it is repaired', async (t) => {
  const [discovery, resolving, gateway] = await Promise.all(
    ['discovery', 'resolver-k8s', 'gateway'].map((user) => testBus.connect(user)),
  );
  assert.ok(discovery && resolving && gateway);
  assert.equal(await ensureBuckets(discovery, { log: testBus.log }), true);
  const set = followSet(t, testBus, gateway, rulesBucket, 'k8s');
  const publisher = publishSet(t, testBus, resolving, rulesBucket, 'k8s');
  publisher.replace(entries('k8s', { a: 1, b: 2 }));
  await waitForValues(set, 'k8s', { a: 1, b: 2 });
  const { js, jsm } = await testBus.admin();
  // The manifest of another owner with a far higher epoch, to be copied over the one of k8s.
  const { key, bytes, ...stamp } = aManifest('global', createDigestSet(), { epoch: 99 });
  await js.publish(subjectOf(rulesBucket, key), bytes, { headers: formatHeaders(stamp) });
  const nc = await login('gateway');
  t.after(() => nc.close());
  const forge = async (from: string, to: string) => {
    const subject = subjectOf(rulesBucket, to);
    const read = () => jsm.direct.getMessage(streamOf(rulesBucket), { last_by_subj: subject });
    const before = (await read())?.seq ?? 0;
    const body = { seq: 1, batch: 1, next_by_subj: subjectOf(rulesBucket, from) };
    nc.publish(api('DIRECT.GET', rulesBucket), JSON.stringify(body), { reply: subject });
    await waitFor(async () => ((await read())?.seq ?? 0) > before + 1, {
      timeoutMs: 5_000,
      what: `the forgery of ${to} and its repair`,
    });
  };
  await forge(key, 'k8s.manifest');
  await forge(entryKey('k8s', 'a'), entryKey('k8s', 'b'));
  await forge(entryKey('k8s', 'a'), entryKey('k8s', 'forged'));
  await forge('nobody.>', entryKey('k8s', 'b'));
  publisher.put(entryKey('k8s', 'c'), { schema: 1, value: 3 });
  await waitForValues(set, 'k8s', { a: 1, b: 2, c: 3 });
  const fresh = followSet(t, testBus, gateway, rulesBucket, 'k8s');
  await waitForValues(fresh, 'k8s', { a: 1, b: 2, c: 3 });
  assert.deepEqual(publisher.superseded, []);
});
