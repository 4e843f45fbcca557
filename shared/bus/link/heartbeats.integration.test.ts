import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { maxVersionNumber } from '#shared/contracts/bus/bucket.ts';
import { type Heartbeat, heartbeatSchema, heartbeatSubject } from '#shared/contracts/bus/heartbeat.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { startTestBus, type TestBus } from '#testkit/nats/test-bus.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { formatHeartbeat, publishHeartbeat, readHeartbeat, subscribeHeartbeats } from './heartbeats.ts';

let testBus: TestBus;

before(async () => {
  testBus = await startTestBus();
});
after(() => testBus.stop());

const aHeartbeat = (given: Partial<Heartbeat> = {}): Heartbeat => ({
  schema: 1,
  service: 'resolver',
  uid: '5f0c',
  manager: 'k8s',
  ready: true,
  applied: [{ owner: 'k8s', epoch: 1, seq: 2 }],
  sourceAgeMs: 12,
  ...given,
});

test('only well-formed heartbeats of the wanted service arrive, under their own name', async (t) => {
  const [sending, receiving] = await Promise.all([testBus.connect(), testBus.connect()]);
  const received: Heartbeat[] = [];
  t.after(subscribeHeartbeats(receiving, 'resolver', (heartbeat) => received.push(heartbeat)));
  const [{ nc }, { nc: receiver }] = await Promise.all([sending.linked(), receiving.linked()]);
  await receiver.flush();
  const subject = heartbeatSubject(aHeartbeat());
  nc.publish(subject, 'garbled');
  nc.publish(subject, JSON.stringify({ ...aHeartbeat(), schema: 2 }));
  nc.publish(subject, JSON.stringify(aHeartbeat({ uid: 'somebody-else' })));
  nc.publish(subject, JSON.stringify(aHeartbeat({ manager: 'global' })));
  nc.publish(subject, JSON.stringify(aHeartbeat({ applied: [{ owner: 'global', epoch: 1, seq: 2 }] })));
  publishHeartbeat(sending, aHeartbeat({ service: 'gateway' }));
  publishHeartbeat(sending, aHeartbeat());
  await waitFor(() => received.length > 0, { timeoutMs: 5_000, what: 'the heartbeat' });
  assert.deepEqual(received, [aHeartbeat()]);
});

test('a heartbeat that is longer than any of ours is dropped, and a long reason is cut by its sender', async (t) => {
  const [sending, receiving] = await Promise.all([testBus.connect(), testBus.connect()]);
  const received: Heartbeat[] = [];
  t.after(subscribeHeartbeats(receiving, 'gateway', (heartbeat) => received.push(heartbeat)));
  const [{ nc }, { nc: receiver }] = await Promise.all([sending.linked(), receiving.linked()]);
  await receiver.flush();
  const { manager: _, ...gateway } = aHeartbeat({ service: 'gateway', applied: [] });
  const long = 'a'.repeat(900_000);
  const many = Array.from({ length: 101 }, () => ({ owner: 'k8s', epoch: 1, seq: 1 }));
  for (const wrong of [
    { servingCertificate: long },
    { servingCertificate: 'a'.repeat(65) },
    { servingCertificate: 'A'.repeat(64) },
    { reason: long },
    { reason: 'r'.repeat(5_000) },
    { applied: many },
    { applied: [{ owner: 'o'.repeat(300), epoch: 1, seq: 1 }] },
    { padding: long },
  ]) {
    nc.publish(heartbeatSubject(gateway), JSON.stringify({ ...gateway, ...wrong }));
  }
  const longUid = { ...gateway, uid: 'u'.repeat(300) };
  nc.publish(heartbeatSubject(longUid), JSON.stringify(longUid));
  publishHeartbeat(sending, { ...gateway, reason: 'r'.repeat(5_000), servingCertificate: 'a'.repeat(64) });
  await waitFor(() => received.length > 0, { timeoutMs: 5_000, what: 'the heartbeat' });
  assert.deepEqual(
    received.map(({ reason }) => reason?.length),
    [1_000],
  );
});

test('the resolvers of one manager can be listened to alone', async (t) => {
  const [sending, receiving] = await Promise.all([testBus.connect(), testBus.connect()]);
  const received: Heartbeat[] = [];
  t.after(subscribeHeartbeats(receiving, { manager: 'k8s' }, (heartbeat) => received.push(heartbeat)));
  await Promise.all([sending.linked(), receiving.linked().then(({ nc }) => nc.flush())]);
  publishHeartbeat(sending, aHeartbeat({ manager: 'global', applied: [] }));
  publishHeartbeat(sending, aHeartbeat({ epoch: 7 }));
  await waitFor(() => received.length > 0, { timeoutMs: 5_000, what: 'the heartbeat' });
  assert.deepEqual(received, [aHeartbeat({ epoch: 7 })]);
});

test('a subscription made before the connection stands works, and ends when told', async () => {
  const sending = await testBus.connect();
  const { nc } = await sending.linked();
  const receiving = await testBus.connect();
  const [first, second]: [Heartbeat[], Heartbeat[]] = [[], []];
  const unsubscribe = subscribeHeartbeats(receiving, 'resolver', (heartbeat) => first.push(heartbeat));
  subscribeHeartbeats(receiving, 'resolver', (heartbeat) => second.push(heartbeat));
  await (await receiving.linked()).nc.flush();
  publishHeartbeat(sending, aHeartbeat());
  await waitFor(() => first.length === 1 && second.length === 1, { timeoutMs: 5_000, what: 'both' });
  unsubscribe();
  await (await receiving.linked()).nc.flush();
  publishHeartbeat(sending, aHeartbeat());
  await nc.flush();
  await waitFor(() => second.length === 2, { timeoutMs: 5_000, what: 'the second heartbeat' });
  assert.equal(first.length, 1);
});

test('a callback that throws ends the process and leaves the connection to the others', async () => {
  const [sending, receiving] = await Promise.all([testBus.connect(), testBus.connect()]);
  const received: Heartbeat[] = [];
  subscribeHeartbeats(receiving, 'resolver', () => {
    throw new Error('consumer');
  });
  subscribeHeartbeats(receiving, 'resolver', (heartbeat) => received.push(heartbeat));
  await (await receiving.linked()).nc.flush();
  await sending.linked();
  publishHeartbeat(sending, aHeartbeat());
  await waitFor(() => received.length === 1, { timeoutMs: 5_000, what: 'the heartbeat at the other one' });
  assert.deepEqual(testBus.ends, [exitCode.failed]);
});

test('a heartbeat of the longest chain is heard, without what has no room', () => {
  const { manager: _, ...gateway } = aHeartbeat({ service: 'gateway', applied: [], uid: 'u'.repeat(36) });
  const hear = (sets: number, reason: string) => {
    const applied = Array.from({ length: sets }, (_one, index) => ({
      owner: `m${index}`.padEnd(63, 'x'),
      epoch: maxVersionNumber,
      seq: maxVersionNumber,
    }));
    const sent = { ...gateway, applied, reason, servingCertificate: 'a'.repeat(64) };
    const heard = readHeartbeat(Buffer.from(formatHeartbeat(sent)), heartbeatSubject(sent));
    return [heard?.servingCertificate?.length, heard?.applied.length, heard?.reason?.length];
  };
  assert.deepEqual(hear(30, 'r'.repeat(2_000)), [64, 30, 1_000]);
  assert.deepEqual(hear(60, '\u{1F511}'.repeat(2_000)), [64, 60, undefined]);
  assert.deepEqual(hear(100, 'no rules'), [64, 0, undefined]);
});

test('input 68: what is not a heartbeat of its sender is dropped before it is looked at as a whole', (t) => {
  const parse = t.mock.method(JSON, 'parse');
  const subject = heartbeatSubject(aHeartbeat());
  const read = (body: unknown) => readHeartbeat(Buffer.from(JSON.stringify(body)), subject);
  const objects = Array.from({ length: 700 }, (_, index) => ({ [`k${index.toString(36)}`]: 0 }));
  assert.equal(read({ ...aHeartbeat(), objects }), undefined);
  assert.equal(parse.mock.callCount(), 0);
  const check = t.mock.method(heartbeatSchema, 'safeParse');
  assert.equal(read({ ...aHeartbeat({ uid: 'other' }) }), undefined);
  assert.equal(check.mock.callCount(), 0);
  const twice = [1, 2].map((seq) => ({ owner: 'k8s', epoch: 1, seq }));
  assert.equal(read(aHeartbeat({ applied: twice })), undefined);
  assert.deepEqual(read(aHeartbeat()), aHeartbeat());
  assert.equal(check.mock.callCount(), 2);
});

test('input 68: a flood of valid and of invalid heartbeats has as many looked at as a few, and the other manager is heard', async (t) => {
  const [sending, receiving] = await Promise.all([testBus.connect(), testBus.connect()]);
  const heard = new Map<string | undefined, number>();
  t.after(
    subscribeHeartbeats(receiving, 'resolver', ({ manager }) =>
      heard.set(manager, (heard.get(manager) ?? 0) + 1),
    ),
  );
  const [{ nc }, { nc: receiver }] = await Promise.all([sending.linked(), receiving.linked()]);
  await receiver.flush();
  const parse = t.mock.method(JSON, 'parse');
  const subject = heartbeatSubject(aHeartbeat());
  const valid = JSON.stringify(aHeartbeat());
  for (let index = 0; index < 5_000; index += 1) {
    nc.publish(subject, valid);
    nc.publish(heartbeatSubject(aHeartbeat({ uid: `x${index}` })), valid);
  }
  await nc.flush();
  publishHeartbeat(sending, aHeartbeat({ manager: 'aws', applied: [] }));
  await waitFor(() => heard.get('aws'), { timeoutMs: 5_000, what: 'the other manager' });
  assert.ok(parse.mock.callCount() < 2_000, `${parse.mock.callCount()} of 10,000 were parsed`);
});
