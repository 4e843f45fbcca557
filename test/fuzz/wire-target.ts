import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { formatAnswer } from '#shared/core/admission/admission-review.ts';
import { admit } from '#shared/core/admission/admit.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { createHealthServer } from '#shared/service/health-server.ts';
import { type ListeningWebhook, listenWebhook, statusOf } from '#testkit/gateway/listening-webhook.ts';
import { readAll, requestText, type WireRequest } from '#testkit/gateway/wire-request.ts';
import type { Random } from '#testkit/properties/random.ts';
import type { CaseNotes, FuzzTarget, OpenTarget } from './fuzz-target.ts';
import { type FuzzedWorld, fuzzedPod, fuzzedReview, fuzzedWorlds } from './fuzzed-pods.ts';
import { below, jsonBytes, listOf, mutateBytes, mutateJson } from './mutate.ts';

/** A connection that lives so long after its client is done has been forgotten, ms. */
const longestLifeMs = 30_000;

const methods = [
  'PUT',
  'GET',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'HEAD',
  'QUERY',
  'LOCK',
  'CONNECT',
  'TRACE',
  'FOO',
];
const paths = [
  webhookPath,
  `${webhookPath}/`,
  `/${webhookPath}`,
  `${webhookPath}%00`,
  `${webhookPath};x`,
  `/..${webhookPath}`,
  `${webhookPath}?__proto__[x]=1`,
  '/__proto__',
  '/%ff',
  '*',
  'http://x/livez',
  '/livez?x=%',
  '/metrics',
  '/readyz',
];
const timeouts = ['0', '-1s', '1ns', '9999h', 'NaN', '1e9s', '%ff', '1s1s1s', '\u00b5s', 'a'.repeat(1_000)];
const contentTypes = [
  'application/json; charset=utf-8',
  'APPLICATION/JSON',
  'text/json',
  'application/json;',
  '',
  'application/json; a="',
  '__proto__/x',
  'application/json, text/plain',
];
const headerNames = [
  'traceparent',
  'tracestate',
  'baggage',
  'expect',
  'x-forwarded-for',
  'content-encoding',
  '__proto__',
  'constructor',
  'accept-version',
  'x-http-method-override',
  'transfer-encoding',
  'te',
  'upgrade',
  'host',
  'content-length',
];
const headerValues = [
  '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'ff-0-0-0',
  '100-continue',
  '200-ok',
  'gzip',
  'chunked',
  'websocket',
  '-1',
  '99999999999',
  '',
  'a'.repeat(6_000),
];

/** A request that ends, after which the client reads on: its pod, and what does not concern HTTP, may be anything. */
function aSoundRequest(random: Random, { ask }: FuzzedWorld): string {
  const pod = fuzzedPod(random, ask);
  if (random.chance(0.3)) mutateJson(random, pod);
  const body = Buffer.from(jsonBytes(fuzzedReview(random, pod))).toString('utf8');
  const timeout = random.chance(0.1) ? random.pick(timeouts) : '5s';
  const trace = random.chance(0.1) ? { traceparent: random.pick(headerValues) } : {};
  return requestText({
    path: `${webhookPath}?timeout=${timeout}`,
    headers: { connection: 'close', ...trace },
    body,
  });
}

/** A request of which little is wrong, so that it comes far. */
function aRequest(random: Random, { ask }: FuzzedWorld): string {
  const review = fuzzedReview(random, fuzzedPod(random, ask));
  if (random.chance(0.3)) mutateJson(random, review);
  const sound = jsonBytes(review);
  const body = Buffer.from(random.chance(0.1) ? mutateBytes(random, sound) : sound).toString('utf8');
  const headers: Record<string, string> = { connection: 'close' };
  if (random.chance(0.1)) headers['content-type'] = random.pick(contentTypes);
  if (random.chance(0.2)) headers[random.pick(headerNames)] = random.pick(headerValues);
  const request: WireRequest = { path: `${webhookPath}?timeout=5s`, headers, body };
  if (random.chance(0.1)) request.method = random.pick(methods);
  if (random.chance(0.1)) request.path = `${webhookPath}?timeout=${random.pick(timeouts)}`;
  if (random.chance(0.1)) request.path = random.pick(paths);
  return requestText(request);
}

const post = `POST ${webhookPath} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`;
const oddStarts = [
  `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`,
  `POST ${webhookPath} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
  `${post}Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n{}`,
  `${post}Transfer-Encoding: chunked\r\n\r\n2;a=${'b'.repeat(5_000)}\r\n{}\r\n0\r\n\r\n`,
  `${post}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nzz\r\n`,
  `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\nX-Trailer: ${'t'.repeat(9_000)}\r\n\r\n`,
  `${post}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}`,
  `POST ${webhookPath} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
  `POST ${webhookPath} HTTP/9.9\r\nHost: x\r\n\r\n`,
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
  'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'A'.repeat(20_000),
  `${post}${'X-A: b\r\n'.repeat(1_500)}\r\n`,
  `GET /livez HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(40),
  '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  '\u0016\u0003\u0001\uffff',
  '\u0080\u002e\u0001',
  '\r\n\r\n\r\n',
];

/** What is written on one connection, in pieces, and how the client goes on. */
interface Said {
  pieces: readonly Uint8Array[];
  client: 'reads' | 'ends' | 'leaves';
}

function fuzzedTalk(random: Random, world: FuzzedWorld): Said {
  if (random.chance(0.4)) return { pieces: [Buffer.from(aSoundRequest(random, world))], client: 'reads' };
  const count = random.chance(0.9) ? 1 : below(random, 12);
  const texts = listOf(count, () => (random.chance(0.7) ? aRequest(random, world) : random.pick(oddStarts)));
  let bytes: Uint8Array = Buffer.from(texts.join(''), random.chance(0.5) ? 'latin1' : 'utf8');
  if (random.chance(0.15)) bytes = mutateBytes(random, bytes);
  const cut = random.chance(0.3) ? below(random, bytes.length + 1) : bytes.length;
  const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
  return { pieces, client: random.chance(0.1) ? 'leaves' : 'ends' };
}

/**
 * The webhook's server over TLS and the health server on loopback, and clients that write whatever they like. The
 * process lives on, each connection ends, and nobody gets an answer of 500 or above but these: 503 where the request's
 * own timeout has passed, and 505 from Node for a version of HTTP that there is not.
 */
export const wireTarget: FuzzTarget = { name: 'wire', share: 5, open: openWire };

async function openWire(): Promise<OpenTarget> {
  const worlds = fuzzedWorlds();
  const faults: unknown[] = [];
  const note = (fault: unknown): void => void faults.push(fault);
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
  let world = worlds[0] as FuzzedWorld;
  const webhook = await listenWebhook(({ body }) => {
    const { httpStatus, response } = admit(body, world.rules);
    return { status: httpStatus, json: formatAnswer(response) };
  });
  const health = createHealthServer({
    notReady: () => [],
    remarks: () => [],
    metricsText: async () => 'up 1\n',
    clock: systemClock,
  });
  await health.listen({ host: '127.0.0.1', port: 0 });
  const { port: healthPort } = health.server.address() as AddressInfo;
  return {
    run: async (random, notes) => {
      world = random.pick(worlds);
      const said = fuzzedTalk(random, world);
      notes.input(Buffer.concat(said.pieces));
      const way = random.pick(['tls', 'tls', 'tls', 'tls', 'tls', 'health', 'health', 'plain'] as const);
      const socket = await connectBy(way, webhook, healthPort);
      // TLS is not spoken: nothing would end it but the time for a handshake.
      const answer = await converse(socket, way === 'plain' ? { ...said, client: 'ends' } : said);
      noteAnswer(way, answer, notes);
      assert.deepEqual(faults.splice(0), [], 'nobody has caught it');
    },
    close: async () => {
      await Promise.all([webhook.server.close(), health.close()]);
      process.off('uncaughtException', note);
      process.off('unhandledRejection', note);
      assert.deepEqual(faults, [], 'nobody has caught it');
    },
  };
}

async function connectBy(
  way: 'tls' | 'health' | 'plain',
  webhook: ListeningWebhook,
  healthPort: number,
): Promise<Socket> {
  if (way === 'tls') return await webhook.connect();
  const socket = connectTcp({ host: '127.0.0.1', port: way === 'health' ? healthPort : webhook.port });
  await once(socket, 'connect');
  return socket;
}

/** Writes and reads until the connection ends. @throws when it does not */
async function converse(socket: Socket, { pieces, client }: Said): Promise<string> {
  const read = readAll(socket);
  let isForgotten = false;
  const patience = setTimeout(() => {
    isForgotten = true;
    socket.destroy();
  }, longestLifeMs);
  for (const piece of pieces) socket.write(piece);
  if (client === 'leaves') socket.destroy();
  if (client === 'ends') socket.end();
  const answer = await read;
  clearTimeout(patience);
  assert.ok(!isForgotten, `the connection is open after ${longestLifeMs} ms`);
  return answer;
}

function noteAnswer(way: string, answer: string, notes: CaseNotes): void {
  const status = statusOf(answer);
  notes.outcome(`${way} ${Number.isNaN(status) ? 'no answer' : status}`);
  for (const [, text] of answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)) {
    const isLate = text === '503' && answer.includes('within its timeout');
    assert.ok(Number(text) < 500 || isLate || text === '505', answer.slice(0, 300));
  }
}
