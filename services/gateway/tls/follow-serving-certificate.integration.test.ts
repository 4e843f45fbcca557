import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { projectFolder } from '#deploy/compose/projected-folder.ts';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { type Clock, systemClock } from '#shared/runtime/clock.ts';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import { aWebhookServerContext } from '#testkit/gateway/listening-webhook.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createWebhookServer, type WebhookServer } from '../http/webhook-server.ts';
import { type FollowedCertificate, followServingCertificate } from './follow-serving-certificate.ts';

type Pem = ReturnType<typeof aSelfSignedPair>;

const [first, second, third] = [0, 1, 2].map(() => aSelfSignedPair(Date.now())) as [Pem, Pem, Pem];
let dir: string;
let server: WebhookServer;
let pair: FollowedCertificate;
const mount = (certificate: Pem, key: Pem = certificate): Promise<void> =>
  projectFolder(
    dir,
    new Map([
      ['tls.crt', Buffer.from(certificate.certificate)],
      ['tls.key', Buffer.from(key.key)],
    ]),
  );

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'serving-certificate-'));
  await mount(first);
  server = createWebhookServer(() => ({ status: 200, json: '{}' }), aWebhookServerContext);
  const log = pino({ level: 'silent' });
  pair = followServingCertificate({ dir, clock: systemClock, log, onCertificate: server.use });
  await pair.start();
  await server.app.listen({ port: 0, host: '127.0.0.1' });
});
after(async () => {
  pair.stop();
  await server.close();
  await rm(dir, { recursive: true });
});

/** Posts once; tells which certificate the connection shows and which local port it has. */
function call(agent: Agent): Promise<{ status: number | undefined; fingerprint: string; localPort: number }> {
  const { port } = server.app.server.address() as AddressInfo;
  const headers = { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const options = { agent, port, host: '127.0.0.1', path: webhookPath, method: 'POST', headers };
    const sent = request({ ...options, rejectUnauthorized: false }, async (response) => {
      const { socket } = response;
      assert.ok(socket instanceof TLSSocket);
      const fingerprint = socket.getPeerX509Certificate()?.fingerprint256 ?? '';
      const localPort = socket.localPort ?? 0;
      await text(response);
      resolve({ status: response.statusCode, fingerprint, localPort });
    });
    sent.on('error', reject);
    sent.end('{}');
  });
}

const onNewConnection = () => call(new Agent({ keepAlive: false }));
const isServed = async (fingerprint: string | undefined): Promise<boolean> =>
  pair.current()?.fingerprint === fingerprint?.replaceAll(':', '').toLowerCase();

test('a changed pair serves new connections, and the old connection lives on', async () => {
  const kept = new Agent({ keepAlive: true, maxSockets: 1 });
  const before = await call(kept);
  await mount(second);
  const wait = { timeoutMs: 10_000, what: 'a new handshake to show the new certificate' };
  const fresh = await waitFor(async () => {
    const answer = await onNewConnection();
    return answer.fingerprint === before.fingerprint ? undefined : answer;
  }, wait);
  assert.ok(await isServed(fresh.fingerprint));
  const again = await call(kept);
  kept.destroy();
  assert.deepEqual([again.status, again.localPort], [200, before.localPort]);
});

test('input 50: a torn pair keeps the one before, and the whole one after it is taken', async () => {
  const held = await onNewConnection();
  await mount(third, first);
  const log: string[] = [];
  const refused = followServingCertificate({
    dir,
    clock: systemClock,
    log: pino({}, { write: (line) => log.push(line) }),
    onCertificate: () => assert.fail('a torn pair must not be served'),
  });
  await refused.start();
  refused.stop();
  assert.equal(refused.current(), undefined);
  assert.match(log.join(''), /serving certificate not usable/);
  assert.equal((await onNewConnection()).fingerprint, held.fingerprint);
  await mount(third);
  await waitFor(async () => (await onNewConnection()).fingerprint !== held.fingerprint, {
    timeoutMs: 10_000,
    what: 'a new handshake to show the third certificate',
  });
});

/** A pair of the mounted files by a clock that the test sets; `tick` runs what is due every minute. */
async function aPairByItsClock() {
  let nowMs = Date.now();
  let tick = (): void => undefined;
  const clock: Clock = {
    ...systemClock,
    now: () => nowMs,
    every: (ms, task) => {
      if (ms >= 60_000) tick = task;
      return () => undefined;
    },
  };
  const followed = followServingCertificate({
    dir,
    clock,
    log: pino({ level: 'silent' }),
    onCertificate: () => undefined,
  });
  return {
    followed,
    setClock: (offsetMs: number) => {
      nowMs = Date.now() + offsetMs;
      tick();
    },
  };
}
const dayMs = 86_400_000;

test('input 46: a pair that has expired at the start is no reason to end; once the clock is right it is used', async () => {
  await mount(first);
  const { followed, setClock } = await aPairByItsClock();
  setClock(2 * dayMs);
  await followed.start();
  assert.equal(followed.current(), undefined);
  setClock(1_000);
  assert.notEqual(followed.current(), undefined);
  followed.stop();
});

test('input 55: a clock that jumps by a day and back leaves the pair in use', async () => {
  await mount(first);
  const { followed, setClock } = await aPairByItsClock();
  await followed.start();
  const before = followed.current();
  assert.notEqual(before, undefined);
  setClock(-dayMs);
  assert.equal(followed.current(), before);
  setClock(2 * dayMs);
  assert.equal(followed.current(), undefined);
  setClock(0);
  assert.equal(followed.current(), before);
  followed.stop();
});
