import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webhookPath } from '#shared/contracts/webhook-path.ts';
import { createWebhookServer } from './webhook-server.ts';

const json = { 'content-type': 'application/json' };

/** A server that answers with the number of bytes it was handed. */
const aServer = () =>
  createWebhookServer(async (request, reply) =>
    reply.send({ bytes: Buffer.isBuffer(request.body) ? request.body.length : 'not bytes' }),
  );

const post = (
  server: ReturnType<typeof aServer>,
  payload: string | Buffer,
  headers: Record<string, string> = json,
) => server.app.inject({ method: 'POST', url: `${webhookPath}?timeout=5s`, headers, payload });

test('the body arrives as the bytes that were sent, whatever JSON says of them', async () => {
  const server = aServer();
  const payload = '{"__proto__": {"x": 1}, "a": 1, "a": 2}';
  assert.deepEqual((await post(server, payload)).json(), { bytes: payload.length });
});

test('a charset parameter is fine, another content type is not', async () => {
  const server = aServer();
  assert.equal(
    (await post(server, '{}', { 'content-type': 'application/json; charset=utf-8' })).statusCode,
    200,
  );
  assert.equal((await post(server, '{}', { 'content-type': 'text/plain' })).statusCode, 415);
});

test('a body above 8 MiB is refused, one of 8 MiB is taken', async () => {
  const server = aServer();
  assert.equal((await post(server, Buffer.alloc(8 * 1024 * 1024))).statusCode, 200);
  assert.equal((await post(server, Buffer.alloc(8 * 1024 * 1024 + 1))).statusCode, 413);
});

test('only a POST to the webhook path is served', async () => {
  const { app } = aServer();
  assert.equal((await app.inject({ method: 'GET', url: webhookPath })).statusCode, 404);
  assert.equal(
    (await app.inject({ method: 'POST', url: '/', headers: json, payload: '{}' })).statusCode,
    404,
  );
});

test('a draining server closes each connection after its answer', async () => {
  const server = aServer();
  assert.notEqual((await post(server, '{}')).headers.connection, 'close');
  server.drain();
  assert.equal((await post(server, '{}')).headers.connection, 'close');
});
