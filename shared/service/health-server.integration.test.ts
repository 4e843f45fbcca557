import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#shared/runtime/clock.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createHealthServer, type HealthLimits } from './health-server.ts';

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

async function aHealthServer(t: TestContext, over: Partial<HealthLimits> = {}) {
  let collections = 0;
  const app = createHealthServer({
    notReady: () => ['the rules of k8s are missing'],
    remarks: () => [],
    metricsText: async () => {
      collections += 1;
      return `collections ${collections}\n`;
    },
    clock: systemClock,
    limits: { connections: 64, timeoutMs: 60_000, metricsForMs: 60_000, ...over },
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const ask = async (sent: string): Promise<string> => {
    const socket = await open();
    socket.write(sent);
    return text(socket).catch(() => '');
  };
  return { app, open, ask, collections: () => collections };
}

test('a probe is answered on a connection of its own, with the reasons when the process is not ready', async (t) => {
  const { ask } = await aHealthServer(t);
  assert.match(await ask(request('/livez')), /^HTTP\/1\.1 200 OK\r\n.*connection: close.*"alive"/is);
  assert.match(await ask(request('/readyz')), /^HTTP\/1\.1 503 .*the rules of k8s are missing/s);
  assert.match(await ask(request('/other')), /^HTTP\/1\.1 404 /);
});

test('thousands of requests sent at once on a connection cost one collection of the metrics at most', async (t) => {
  const { ask, collections } = await aHealthServer(t);
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(request('/metrics').repeat(2_000))));
  assert.ok(collections() <= 1, `${collections()} collections`);
  for (const answer of answers) assert.ok(answer.length < 2_000, `${answer.length} characters`);
  assert.match(await ask(request('/metrics')), /collections 1/);
});

test('somebody who holds connections keeps no probe out, and holds few', async (t) => {
  const { app, open, ask } = await aHealthServer(t);
  const held: Socket[] = [];
  for (let index = 0; index < 300; index++) {
    const socket = await open();
    socket.write('GET /livez HTTP/1.1\r\nX: ');
    held.push(socket);
  }
  assert.match(await ask(request('/livez')), /^HTTP\/1\.1 200 /);
  const count = await new Promise<number>((resolve) => app.server.getConnections((_, open) => resolve(open)));
  assert.ok(count <= 64, `${count} connections`);
  await waitFor(() => held.filter(({ closed }) => closed).length >= 300 - 64, {
    timeoutMs: 10_000,
    what: 'the oldest to be ended',
  });
});

test('a request that does not end, and an answer that nobody reads, end with their connection', async (t) => {
  const { open } = await aHealthServer(t, { timeoutMs: 100 });
  const unfinished = await open();
  unfinished.write('GET /livez HTTP/1.1\r\nX: ');
  const silent = await open();
  const drip = await open();
  drip.write('POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\na');
  await Promise.all([unfinished, silent, drip].map((socket) => once(socket.resume(), 'close')));
});

test('a request with a body is answered without it', async (t) => {
  const { ask } = await aHealthServer(t);
  for (const type of ['', 'Content-Type: application/json\r\n', 'Content-Type: x\r\n']) {
    const answer = await ask(`POST /livez HTTP/1.1\r\nHost: a\r\n${type}Content-Length: 2\r\n\r\n{}`);
    assert.match(answer, /^HTTP\/1\.1 4\d\d /);
  }
});

test('a client that goes on sending after its answer loses its connection', async (t) => {
  const { open } = await aHealthServer(t);
  const socket = await open();
  socket.write(request('/livez'));
  const send = (): void => {
    while (socket.write(request('/livez').repeat(3_000)));
  };
  socket.on('drain', send);
  send();
  // What is written to a closed connection is an error, too.
  await new Promise((resolve) => socket.resume().once('close', resolve));
});

test('headers longer than those of a probe are refused', async (t) => {
  const { ask } = await aHealthServer(t);
  assert.match(await ask(`GET /livez HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
});
