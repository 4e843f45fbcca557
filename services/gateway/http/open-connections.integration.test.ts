import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, beforeEach, test } from 'node:test';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import {
  aWebhookServerContext,
  type ListeningWebhook,
  listenWebhook,
  statusOf,
  tooManyWaiting,
  webhookRequest,
} from '#testkit/gateway/listening-webhook.ts';
import { readAll, type WireRequest } from '#testkit/gateway/wire-request.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { defaultLimits } from './webhook-server.ts';

const limits = { ...aWebhookServerContext.limits };
const soon = (what: string) => ({ timeoutMs: 10_000, what });
let webhook: ListeningWebhook;
beforeEach(async () => {
  Object.assign(limits, aWebhookServerContext.limits);
  webhook = await listenWebhook(() => ({ status: 200, text: 'decided' }), { limits });
});
afterEach(() => webhook.server.close());

/** A connection that has had one answer and is kept. */
async function anIdleConnection() {
  const socket = await webhook.connect();
  socket.write(webhookRequest());
  await once(socket, 'readable');
  socket.read();
  await waitFor(async () => webhook.server.connections.busy() === 0, soon('the answer to be sent'));
  return socket;
}

test('while it drains, every answer closes its connection, whatever its status', async () => {
  webhook.server.connections.drain();
  const cases: [WireRequest, number][] = [
    [{}, 200],
    [{ path: '/other' }, 404],
    [{ headers: { 'content-type': 'text/plain' } }, 415],
    [{ body: '', headers: { 'content-length': '9000000' } }, 413],
  ];
  const ask = async (request: WireRequest): Promise<string> => {
    const socket = await webhook.connect();
    socket.write(webhookRequest(request));
    return await readAll(socket);
  };
  for (const [request, status] of cases) {
    const answer = await ask(request);
    assert.equal(statusOf(answer), status);
    assert.match(answer, /^connection: close\r$/im);
  }
  Object.assign(limits, tooManyWaiting);
  assert.match(await ask({}), /^HTTP\/1\.1 503[\s\S]+^connection: close\r$/im);
});

test('a request in flight when the drain begins is answered, and its answer closes the connection', async () => {
  const socket = await webhook.connect();
  socket.write(webhookRequest({ headers: { 'content-length': '2' }, body: '{' }));
  await waitFor(async () => webhook.server.connections.busy() === 1, soon('the request to arrive'));
  webhook.server.connections.drain();
  socket.write('}');
  assert.match(await readAll(socket), /^HTTP\/1\.1 200[\s\S]+^connection: close\r$/im);
});

test('an idle connection is ended with an answer that makes the API server repeat a request on its way', async () => {
  const idle = await anIdleConnection();
  const racing = await anIdleConnection();
  webhook.server.connections.endIdle(0);
  // Written in the same turn of the loop: no byte of the closing response can have been read yet.
  racing.write(webhookRequest({ body: 'x'.repeat(20_000) }));
  for (const socket of [idle, racing]) {
    const [answer] = await Promise.all([readAll(socket), once(socket, 'end')]);
    assert.equal(statusOf(answer), 503);
    assert.match(answer, /^retry-after: 1\r$/im);
    assert.match(answer, /^connection: close\r$/im);
  }
  await waitFor(async () => webhook.server.connections.count() === 0, soon('both connections to be gone'));
});

test('a busy connection and one that was quiet for a shorter time get no closing response', async () => {
  await anIdleConnection();
  const busy = await webhook.connect();
  const head = webhookRequest({ headers: { 'content-length': '2', connection: 'close' }, body: '{' });
  const first = webhookRequest({ path: `${webhookPath}?timeout=5s` });
  busy.write(first + head);
  await waitFor(async () => webhook.server.connections.busy() === 1, soon('the second request to arrive'));
  webhook.server.connections.endIdle(60_000);
  assert.equal(webhook.server.connections.count(), 2);
  webhook.server.connections.endIdle(0);
  busy.write('}');
  assert.deepEqual((await readAll(busy)).match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
});

test('input 63: above their limit a new connection ends the one idle longest, and no busy one', async (t) => {
  const evicted: string[] = [];
  const crowded = await listenWebhook(() => ({ status: 200, text: 'decided' }), {
    connectionLimits: { ...defaultLimits, handshakes: 10, established: 2, all: 20 },
    onEvicted: (connection) => void evicted.push(connection),
  });
  t.after(() => crowded.server.close());
  const busy = await crowded.connect();
  busy.write(webhookRequest({ headers: { 'content-length': '2', connection: 'close' }, body: '{' }));
  await waitFor(async () => crowded.server.connections.busy() === 1, soon('the request to arrive'));
  const idle = await crowded.connect();
  await waitFor(async () => crowded.server.connections.count() === 2, soon('both connections'));
  const answer = readAll(idle);
  assert.equal(statusOf(await crowded.send()), 200);
  assert.equal(statusOf(await answer), 503);
  assert.deepEqual(evicted, ['idle']);
  busy.write('}');
  assert.equal(statusOf(await readAll(busy)), 200);
});

test('input 63: clients that do not close what was ended cannot make ended connections pile up', async (t) => {
  const crowded = await listenWebhook(() => ({ status: 200, text: 'decided' }), {
    connectionLimits: { ...defaultLimits, handshakes: 10, established: 1, all: 5_000 },
  });
  t.after(() => crowded.server.close());
  // None reads, so none sees that it was ended.
  const sockets = [];
  for (let count = 0; count < 1_100; count += 1) sockets.push(await crowded.connect());
  await waitFor(
    async () => crowded.server.connections.count() <= 1_026,
    soon('the oldest ended to be cut off'),
  );
  for (const socket of sockets) socket.destroy();
});
