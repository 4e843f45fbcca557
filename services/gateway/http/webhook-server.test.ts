import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, test } from 'node:test';
import { waitFor } from '#testkit/cluster/wait-for.ts';
import { type ListeningWebhook, listenWebhook, statusOf } from '#testkit/gateway/listening-webhook.ts';
import type { WireRequest } from '#testkit/gateway/wire-client.ts';

/** A server that answers with the number of bytes it was handed. */
let webhook: ListeningWebhook;
before(async () => {
  webhook = await listenWebhook(async (request, reply) =>
    reply.send({ bytes: Buffer.isBuffer(request.body) ? request.body.length : 'not bytes' }),
  );
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

test('a connection that says nothing does not keep the server from closing', { timeout: 8_000 }, async () => {
  const closing = await listenWebhook(async (_request, reply) => reply.send({}));
  const silent = connectTcp(closing.port, '127.0.0.1').on('error', () => undefined);
  await waitFor(async () => closing.server.handshakes() === 1, { timeoutMs: 5_000, what: 'the connection' });
  const closed = once(silent.resume(), 'close');
  await closing.server.close();
  await closed;
  assert.equal(closing.server.handshakes(), 0);
});
