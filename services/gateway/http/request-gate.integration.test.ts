import assert from 'node:assert/strict';
import { once } from 'node:events';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import {
  aWebhookServerContext,
  type ListeningWebhook,
  listenWebhook,
  statusOf,
  tooManyWaiting,
  webhookRequest,
} from '#testkit/gateway/listening-webhook.ts';
import { readAll } from '#testkit/gateway/wire-request.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { RequestGate } from './request-gate.ts';
import type { ShedReason } from './request-plan.ts';

const decided = { status: 200, text: 'decided' };

/** The gate in front of a real server. */
const limits = { ...aWebhookServerContext.limits };
let shed: ShedReason[] = [];
let decisions = 0;
let webhook: ListeningWebhook;
before(async () => {
  webhook = await listenWebhook(
    () => {
      decisions += 1;
      return decided;
    },
    { limits, onShed: (reason) => shed.push(reason), timeoutMs: () => 200 },
  );
});
after(() => webhook.server.close());
beforeEach(() => {
  Object.assign(limits, aWebhookServerContext.limits);
  shed = [];
  decisions = 0;
});

const kept = (over: Parameters<typeof webhookRequest>[0] = {}): string =>
  webhookRequest({ headers: {}, ...over });
const endsOf = (socket: TLSSocket): Promise<string> => readAll(socket);

test('input 25: what is too much is a 503 with Retry-After, whatever its body, and no decision is made', async () => {
  for (const exceeded of [tooManyWaiting, { heldBytes: -1 }]) {
    Object.assign(limits, aWebhookServerContext.limits, exceeded);
    const answer = await webhook.send({ body: 'not even JSON' });
    assert.equal(statusOf(answer), 503);
    assert.match(answer, /^retry-after: 1\r$/im);
    assert.match(answer, /\[OVERLOADED\]$/);
  }
  assert.deepEqual({ shed, decisions }, { shed: ['overloaded', 'overloaded'], decisions: 0 });
});

test('a connection outlives a shed request, however its body comes', async () => {
  const bodies = [
    { body: '{}' },
    { body: 'x'.repeat(3 * 1024 * 1024) },
    { headers: { 'transfer-encoding': 'chunked' }, body: '2\r\n{}\r\n0\r\n\r\n' },
  ];
  for (const request of bodies) {
    Object.assign(limits, tooManyWaiting);
    const socket = await webhook.connect();
    const text = kept(request);
    socket.write(request.headers === undefined ? text : text.replace(/content-length: \d+\r\n/, ''));
    await once(socket, 'readable');
    Object.assign(limits, aWebhookServerContext.limits);
    socket.write(kept({ headers: { connection: 'close' } }));
    assert.deepEqual((await endsOf(socket)).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 503', 'HTTP/1.1 200']);
  }
});

test('a client that goes on sending the body of a shed request reads its answer, also when the server drains', async () => {
  const draining = await listenWebhook(() => decided, { limits });
  draining.server.connections.drain();
  Object.assign(limits, tooManyWaiting);
  for (const { connect, server } of [webhook, draining]) {
    for (const bytes of [12_000, 3 * 1024 * 1024]) {
      const faults: Error[] = [];
      const text = webhookRequest({ body: 'x'.repeat(bytes), headers: { connection: 'close' } });
      const sockets = await Promise.all(Array.from({ length: 20 }, () => connect()));
      for (const socket of sockets) {
        socket.on('error', (fault) => faults.push(fault));
        socket.write(text.slice(0, -bytes + 1));
      }
      // The server has read the heads, and could answer, before the bodies come.
      await waitFor(async () => server.connections.busy() === 20, { timeoutMs: 10_000, what: '20 requests' });
      for (const socket of sockets) socket.write(text.slice(-bytes + 1));
      for (const answer of await Promise.all(sockets.map(endsOf))) {
        assert.equal(statusOf(answer), 503);
        assert.match(answer, /^retry-after: 1\r$/im);
      }
      assert.deepEqual(faults, []);
    }
  }
  await draining.server.close();
});

test('the body of a shed request that does not end, or not before 8 MiB, is answered before its end', async () => {
  Object.assign(limits, tooManyWaiting);
  const path = `${webhookPath}?timeout=300ms`;
  for (const body of ['{', 'x'.repeat(8 * 1024 * 1024 + 1)]) {
    const socket = await webhook.connect();
    socket.write(kept({ path, headers: { 'content-length': '9000000' }, body }));
    const answer = await endsOf(socket);
    assert.equal(statusOf(answer), 503);
    assert.match(answer, /^connection: close\r$/im);
  }
  assert.deepEqual(shed, ['overloaded', 'overloaded']);
});

test('bodies that would not fit into memory together are thrown away, and what they held is free again', async () => {
  limits.heldBytes = 100_000;
  assert.equal(statusOf(await webhook.send({ body: 'x'.repeat(3 * 1024 * 1024) })), 503);
  assert.equal(statusOf(await webhook.send({ body: 'x'.repeat(90_000) })), 200);
  assert.deepEqual(shed, ['overloaded']);
});

test('a few that hold much do not keep out the many that hold little', async () => {
  limits.heldBytes = 1_000_000;
  const large = webhookRequest({ headers: { 'content-length': '300000' }, body: 'x'.repeat(249_000) });
  const sockets = await Promise.all(Array.from({ length: 4 }, () => webhook.connect()));
  for (const socket of sockets) socket.write(large.replace(/timeout=5s/, 'timeout=30s'));
  await waitFor(async () => webhook.server.connections.busy() === 4, { timeoutMs: 10_000, what: 'all four' });
  // The first one's place is taken by the answer to the largest, and so on for as long as it is needed.
  for (let sent = 0; sent < 5; sent += 1) {
    assert.equal(statusOf(await webhook.send({ body: 'x'.repeat(12_000) })), 200);
  }
  assert.deepEqual(shed, ['overloaded']);
  for (const socket of sockets) socket.destroy();
});

test('a body that waits for its turn counts for as long as it is held, also when its client has gone', async () => {
  const gate = new RequestGate({
    ...aWebhookServerContext,
    onShed: (reason) => shed.push(reason),
    limits: { ...aWebhookServerContext.limits, heldBytes: 10_000 },
  });
  const outcomes: string[] = [];
  const sendAndLeave = (): void => {
    const request = new IncomingMessage(new Socket());
    gate.read(request, ({ kind }) => outcomes.push(kind));
    request.emit('data', Buffer.alloc(6_000));
    request.emit('end');
    request.socket.destroy();
  };
  sendAndLeave();
  sendAndLeave();
  assert.deepEqual([shed, outcomes], [['overloaded'], ['shed']]);
  await nextTurn();
  assert.deepEqual(outcomes, ['shed', 'gone']);
  sendAndLeave();
  assert.deepEqual(shed, ['overloaded']);
  gate.stop();
});

test('a decision that throws is the answer 500 of its request, and those after it are made', async () => {
  const faulty = await listenWebhook(({ headers }) => {
    if (headers['x-fault'] === '1') throw new Error('a fault');
    return decided;
  });

  assert.equal(statusOf(await faulty.send({ headers: { 'x-fault': '1' } })), 500);
  assert.equal(statusOf(await faulty.send()), 200);
  await faulty.server.close();
});

test('a body that is too long and too much has one answer', async () => {
  limits.heldBytes = 1_000;
  const socket = await webhook.connect();
  socket.write(webhookRequest({ headers: { 'content-length': '9000000' }, body: 'x'.repeat(50_000) }));
  assert.equal(statusOf(await endsOf(socket)), 413);
  assert.equal(statusOf(await webhook.send()), 200);
});

test('input 26: a body has as long as the timeout parameter says; any other text counts as the configured time', async () => {
  for (const timeout of ['100ms', '1ns', '0s', '-1s', 'NaN', '']) {
    const socket = await webhook.connect();
    socket.write(
      kept({ path: `${webhookPath}?timeout=${timeout}`, headers: { 'content-length': '9' }, body: '{' }),
    );
    const answer = await endsOf(socket);
    assert.equal(statusOf(answer), 503, timeout);
    assert.match(answer, /^connection: close\r$/im);
  }
  assert.deepEqual({ reasons: new Set(shed), decisions }, { reasons: new Set(['late']), decisions: 0 });
  for (const timeout of ['30s', '9999h', '1m30s', '1&timeout=2'])
    assert.equal(statusOf(await webhook.send({ path: `${webhookPath}?timeout=${timeout}` })), 200, timeout);
});

test('a request whose timeout has passed when its turn comes is not decided, and its connection lives', async () => {
  const busyMs = 150;
  const slow = await listenWebhook(
    () => {
      const endMs = performance.now() + busyMs;
      while (performance.now() < endMs);
      return decided;
    },
    { onShed: (reason) => shed.push(reason) },
  );
  const socket = await slow.connect();
  const path = `${webhookPath}?timeout=${busyMs - 50}ms`;
  // In one write: the second waits while the first is decided.
  socket.write(kept() + kept({ path }));
  await waitFor(async () => shed.length === 1, { timeoutMs: 10_000, what: 'the second request to be late' });
  socket.write(kept({ headers: { connection: 'close' } }));
  assert.deepEqual((await endsOf(socket)).match(/HTTP\/1\.1 \d+/g), [
    'HTTP/1.1 200',
    'HTTP/1.1 503',
    'HTTP/1.1 200',
  ]);
  assert.deepEqual(shed, ['late']);
  await slow.server.close();
});
