import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { formatAnswer } from '#shared/core/admission/admission-review.ts';
import { admit } from '#shared/core/admission/admit.ts';
import {
  type ListeningWebhook,
  listenWebhook,
  statusOf,
  webhookRequest,
} from '#testkit/gateway/listening-webhook.ts';
import { readAll, type WireRequest } from '#testkit/gateway/wire-request.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';

/** The webhook server of the gateway on a real socket, with the decision of the core behind it. */
const rules = someRules({ chain: ['k8s'] }, { k8s: { ns: { db: ['pass'] } } });
const db = { group: 'db', key: 'pass', mountRequirement: mountNumber.env };
const review = JSON.stringify(aReview(aPod({ asks: [db] })));
let webhook: ListeningWebhook;
let accepted = 0;
/** Most that a TLS record carries (RFC 8446, 5.1), bytes. */
const mostRecordBytes = 16_384;
/** Whatever a client does, nothing may end the process. */
const faults: unknown[] = [];
process.on('uncaughtException', (fault) => faults.push(fault));

before(async () => {
  webhook = await listenWebhook(({ body }) => {
    const { httpStatus, response } = admit(body, rules);
    return { status: httpStatus, json: formatAnswer(response) };
  });
  webhook.server.app.server.on('connection', () => accepted++);
});
after(async () => {
  await webhook.server.close();
  assert.deepEqual(faults, []);
});

const connect = (options?: ConnectionOptions): Promise<TLSSocket> => webhook.connect(options);
const reviewText = (over: WireRequest): string => webhookRequest({ body: review, ...over });
const send = (request: WireRequest = {}, options?: ConnectionOptions): Promise<string> =>
  webhook.send({ body: review, ...request }, options);
const isInjected = (answer: string): boolean => statusOf(answer) === 200 && answer.includes('"patch"');

test('input 4: path, method and content type are checked, and the answer repeats none of them', async () => {
  const cases: [WireRequest, number][] = [
    [{ path: '/secret-path' }, 404],
    [{ method: 'GET', body: '' }, 404],
    [{ headers: { 'content-type': 'text/secret' } }, 415],
    [{ headers: { 'content-type': 'application/json secret' } }, 415],
    [{ headers: { 'content-type': 'application/json; charset=utf-8' } }, 200],
  ];
  for (const [request, status] of cases) {
    const answer = await send(request);
    assert.equal(statusOf(answer), status, JSON.stringify(request));
    assert.ok(!answer.includes('secret'), answer);
  }
});

test('input 5: a body of 8 MiB and a byte is a 413 and the end of the connection, a pod of 3 MiB is injected', async () => {
  const socket = await connect();
  socket.on('error', () => undefined);
  socket.write(reviewText({ body: '', headers: { 'content-length': String(8 * 1024 * 1024 + 1) } }));
  assert.equal(statusOf(await readAll(socket)), 413);
  const large = aPod({ asks: [db], annotations: { note: 'x'.repeat(3 * 1024 * 1024) } });
  assert.ok(isInjected(await send({ body: JSON.stringify(aReview(large)) })));
});

test('input 61: chunks of a byte end the connection, whether or not the body ends', async () => {
  const socket = await connect();
  socket.on('error', () => undefined);
  const head = reviewText({ body: '', headers: { 'transfer-encoding': 'chunked' } });
  socket.write(head.replace(/content-length: \d+\r\n/, '') + '1\r\n \r\n'.repeat(2_000));
  assert.equal(await readAll(socket), '');
  assert.ok(isInjected(await send()));
});

test('input 61: chunks of a byte end the connection of a request whose body nobody wants, too', async () => {
  const chunked = { 'transfer-encoding': 'chunked' };
  const unwanted: WireRequest[] = [
    { path: '/unknown', headers: chunked },
    { headers: { ...chunked, 'content-type': 'text/plain' } },
    { method: 'GET', headers: chunked },
    { headers: { ...chunked, expect: 'a miracle' } },
  ];
  for (const request of unwanted) {
    const socket = await connect();
    socket.on('error', () => undefined);
    const head = reviewText({ body: '', ...request }).replace(/content-length: \d+\r\n/, '');
    socket.write(`${head}${'1\r\n \r\n'.repeat(2_000)}0\r\n\r\n${reviewText({})}`);
    assert.ok(!isInjected(await readAll(socket)), JSON.stringify(request));
  }
  assert.ok(isInjected(await send()));
});

test('input 8: TLS 1.1 is refused; without a server name, or with any, the certificate is the same', async () => {
  const old = connectTls({
    port: webhook.port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  const [error] = await once(old, 'error');
  assert.match(String(error), /alert|protocol/i);
  for (const servername of ['', 'unknown.example', `${'a'.repeat(63)}.example`]) {
    assert.ok(isInjected(await send({}, { servername })));
  }
});

test('input 8: of TLS 1.2 only suites with forward secrecy and authenticated encryption are taken', async () => {
  const options = { port: webhook.port, host: '127.0.0.1', rejectUnauthorized: false };
  const offer = (ciphers: string): TLSSocket =>
    connectTls({ ...options, maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` });
  for (const suite of [
    'AES128-SHA',
    'AES128-GCM-SHA256',
    'AES256-GCM-SHA384',
    'ECDHE-RSA-AES128-SHA',
    'ECDHE-RSA-AES256-SHA384',
    'DHE-RSA-AES128-GCM-SHA256',
  ]) {
    const [error] = await once(offer(suite), 'error');
    assert.match(String(error), /handshake failure/, suite);
  }
  for (const suite of ['ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-CHACHA20-POLY1305']) {
    const socket = offer(suite);
    await once(socket, 'secureConnect');
    assert.equal(socket.getCipher().name, suite);
    socket.destroy();
  }
  const newest = connectTls(options);
  await once(newest, 'secureConnect');
  assert.equal(newest.getProtocol(), 'TLSv1.3');
  newest.destroy();
});

test('input 9: an HTTP/2 preface and two lengths at once are refused, pipelined requests answered in order', async () => {
  const preface = await connect();
  preface.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  assert.equal(statusOf(await readAll(preface)), 400);
  const twice = { headers: { 'transfer-encoding': 'chunked' }, body: '0\r\n\r\n' };
  assert.equal(statusOf(await send(twice)), 400);
  const pipelined = await connect();
  const bad = reviewText({ body: 'null' });
  pipelined.write(reviewText({}) + bad + reviewText({ headers: { connection: 'close' } }));
  const statuses = (await readAll(pipelined)).match(/HTTP\/1\.1 \d+/g);
  assert.deepEqual(statuses, ['HTTP/1.1 200', 'HTTP/1.1 400', 'HTTP/1.1 200']);
});

test('input 9: a connection that pipelines more requests than anybody waits for is closed, others are served', async () => {
  const pipelined = await connect();
  pipelined.on('error', () => undefined);
  pipelined.write(reviewText({}).repeat(9));
  const answers = (await readAll(pipelined)).match(/HTTP\/1\.1 \d+/g) ?? [];
  assert.ok(answers.length < 9, `${answers.length} answers`);
  assert.ok(isInjected(await send()));
});

test('input 9: of thousands of pipelined requests no more are parsed than one TLS record holds', async () => {
  let parsed = 0;
  const count = () => parsed++;
  webhook.server.app.server.on('request', count);
  const pipelined = await connect();
  pipelined.on('error', () => undefined);
  const small = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';
  pipelined.write(small.repeat(2_000));
  await readAll(pipelined);
  webhook.server.app.server.off('request', count);
  assert.ok(parsed <= mostRecordBytes / small.length + 1, `${parsed} requests`);
});

test('input 9: a request to upgrade the protocol is an ordinary request', async () => {
  const answer = await send({ headers: { upgrade: 'websocket', connection: 'Upgrade, close' } });
  assert.ok(isInjected(answer), answer);
  assert.ok(isInjected(await send()));
});

test('input 27: clients that reset or half-close at any moment do no harm', async () => {
  const text = reviewText({});
  for (let at = 0; at <= text.length; at += Math.ceil(text.length / 40)) {
    const raw = connectTcp(webhook.port, '127.0.0.1');
    const reset = await connect({ socket: raw });
    reset.on('error', () => undefined);
    await new Promise((resolve) => reset.write(text.slice(0, at), resolve));
    raw.resetAndDestroy();
    const half = await connect();
    half.end(text.slice(0, at));
    await readAll(half);
  }
  const raw = connectTcp(webhook.port, '127.0.0.1');
  raw.on('error', () => undefined);
  await once(raw, 'connect');
  raw.write('not TLS at all');
  raw.resetAndDestroy();
  assert.ok(isInjected(await send()));
});

describe('slow clients', { concurrency: true }, () => {
  test('input 6: a body that arrives at a byte in five seconds is cut off at its timeout', async () => {
    const socket = await connect();
    socket.write(
      reviewText({ body: '', headers: { 'transfer-encoding': 'chunked', 'content-length': '' } }).replace(
        'content-length: \r\n',
        '',
      ),
    );
    socket.on('error', () => undefined);
    const timer = setInterval(() => socket.write('1\r\nx\r\n'), 5_000);
    const answer = await readAll(socket);
    clearInterval(timer);
    assert.equal(statusOf(answer), 503);
    assert.match(answer, /^retry-after: 1\r$/im);
  });

  test('a connection that was opened and not used yet is ended so that the API server repeats a request on its way', async () => {
    const unused = await connect();
    const [answer] = await Promise.all([readAll(unused), once(unused, 'end')]);
    assert.equal(statusOf(answer), 503);
    assert.match(answer, /^retry-after: 1\r$/im);
    assert.match(answer, /^connection: close\r$/im);
  });

  test('input 7: 5,000 connections without a TLS hello are closed, and others are served meanwhile', async () => {
    const silent: Promise<void>[] = [];
    const acceptedBefore = accepted;
    while (silent.length < 5_000) {
      // No more at once than the kernel queues for the server: it would drop the rest unseen.
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          const socket = connectTcp(webhook.port, '127.0.0.1').on('error', () => undefined);
          silent.push(new Promise((resolve) => socket.resume().on('close', () => resolve())));
          await once(socket, 'connect');
        }),
      );
      await untilTrue(async () => accepted - acceptedBefore >= silent.length);
    }
    assert.ok(isInjected(await send()));
    await Promise.all(silent);
    assert.ok(isInjected(await send()));
  });
});

/** @throws Error after ten seconds */
async function untilTrue(condition: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error('the condition was never met');
    await nextTurn();
  }
}
