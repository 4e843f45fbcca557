import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, test } from 'node:test';
import { systemClock } from '#shared/runtime/clock.ts';
import {
  type ListeningWebhook,
  listenWebhook,
  statusOf,
  webhookRequest,
} from '#testkit/gateway/listening-webhook.ts';
import { readAll, type WireRequest } from '#testkit/gateway/wire-request.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

/** A server that answers with the number of bytes it was handed. */
let webhook: ListeningWebhook;
before(async () => {
  webhook = await listenWebhook(({ body }) => ({
    status: 200,
    json: JSON.stringify({ bytes: body.length }),
  }));
});
after(() => webhook.server.close());

const statusFor = async (request: WireRequest): Promise<number> => statusOf(await webhook.send(request));

test('the body arrives as the bytes that were sent, whatever JSON says of them', async () => {
  const body = '{"__proto__": {"x": 1}, "a": 1, "a": 2}';
  assert.ok((await webhook.send({ body })).endsWith(`{"bytes":${body.length}}`));
});

test('a charset parameter is fine, another content type is not', async () => {
  assert.equal(await statusFor({ headers: { 'content-type': 'application/json; charset=utf-8' } }), 200);
  assert.equal(await statusFor({ headers: { 'content-type': 'text/plain' } }), 415);
});

test('a body of 8 MiB is taken', async () => {
  assert.equal(await statusFor({ body: 'x'.repeat(8 * 1024 * 1024) }), 200);
});

test('only a POST to the webhook path is served', async () => {
  assert.equal(await statusFor({ method: 'GET', body: '' }), 404);
  assert.equal(await statusFor({ path: '/' }), 404);
});

test('a decision is made within the slice of the queue that it was given, and what is ready comes before the next', async () => {
  const sliceMs = 10;
  const happened: string[] = [];
  const busy = await listenWebhook(() => {
    happened.push('decision');
    setImmediate(() => happened.push('turn'));
    const endMs = performance.now() + 2 * sliceMs;
    while (performance.now() < endMs);
    return { status: 200, json: '{}' };
  });
  const socket = await busy.connect();
  // In one write: the second waits while the first is decided.
  socket.write(webhookRequest() + webhookRequest({ headers: { connection: 'close' } }));
  await readAll(socket);
  await busy.server.close();
  assert.deepEqual(happened.slice(0, 3), ['decision', 'turn', 'decision']);
});

test('a body that turns out to be longer than 8 MiB is a 413', async () => {
  const socket = await webhook.connect();
  const head = webhookRequest({ body: '', headers: { 'transfer-encoding': 'chunked' } });
  const size = 8 * 1024 * 1024 + 1;
  socket.write(`${head.replace(/content-length: \d+\r\n/, '')}${size.toString(16)}\r\n${'x'.repeat(size)}`);
  assert.equal(statusOf(await readAll(socket)), 413);
});

test('a connection that says nothing does not keep the server from closing', { timeout: 8_000 }, async () => {
  const closing = await listenWebhook(() => ({ status: 200, json: '{}' }));
  const silent = connectTcp(closing.port, '127.0.0.1').on('error', () => undefined);
  await waitFor(async () => closing.server.handshakes() === 1, { timeoutMs: 5_000, what: 'the connection' });
  const closed = once(silent.resume(), 'close');
  await closing.server.close();
  await closed;
  assert.equal(closing.server.handshakes(), 0);
});

test('an idle server ticks only while a handshake or a request is under way', async () => {
  let running = 0;
  const clock = {
    ...systemClock,
    every: (ms: number, task: () => void) => {
      const cancel = systemClock.every(ms, task);
      running += 1;
      return () => {
        running -= 1;
        cancel();
      };
    },
  };
  const idle = await listenWebhook(() => ({ status: 200, json: '{}' }), { clock });
  assert.equal(running, 0);
  const silent = connectTcp(idle.port, '127.0.0.1').on('error', () => undefined);
  await waitFor(async () => running === 1, { timeoutMs: 5_000, what: 'the handshake to be watched' });
  silent.destroy();
  const kept = await idle.connect();
  kept.write(webhookRequest());
  await once(kept, 'readable');
  await waitFor(async () => running === 0, { timeoutMs: 5_000, what: 'the end of the ticks' });
  assert.equal(idle.server.connections.count(), 1);
  kept.destroy();
  await idle.server.close();
});

test('what the handler throws is told of, and is a 500 of its request alone even when telling fails', async () => {
  const fault = new Error('no span');
  const told: unknown[] = [];
  const faulty = await listenWebhook(
    ({ body }) => {
      if (body.length > 2) throw fault;
      return { status: 200, json: '{}' };
    },
    {
      onFault: (err) => {
        told.push(err);
        throw new Error('no log');
      },
    },
  );
  assert.equal(statusOf(await faulty.send({ body: '{"a":1}' })), 500);
  assert.equal(statusOf(await faulty.send()), 200);
  await faulty.server.close();
  assert.deepEqual(told, [fault]);
});
