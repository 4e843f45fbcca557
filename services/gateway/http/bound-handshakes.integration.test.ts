import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import {
  type Authority,
  createAuthority,
  issueCertificate,
} from '#testkit/certificates/certificate-authority.ts';
import { anEndlessChain } from '#testkit/certificates/endless-chain.ts';
import { aSelfSignedPair } from '#testkit/certificates/self-signed-pair.ts';
import {
  type ListeningWebhook,
  listenWebhook,
  statusOf,
  webhookRequest,
} from '#testkit/gateway/listening-webhook.ts';
import { readAll } from '#testkit/gateway/wire-request.ts';
import { boundHandshakes, mostHandshakeBytes } from './bound-handshakes.ts';

let folder: string;
let callers: Authority;
let webhook: ListeningWebhook;
let caller: { cert: string; key: string };
const refused: string[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-handshakes-'));
  callers = await createAuthority(folder, 'callers');
  webhook = await listenWebhook(
    ({ body }) => ({ status: 200, json: JSON.stringify({ bytes: body.length }) }),
    {
      requestsClientCertificate: true,
      onHandshakeRefused: (reason) => refused.push(reason),
    },
  );
  webhook.server.trust(await readFile(callers.certificateFile, 'utf8'));
  const { certificate: cert, key } = await issueCertificate(callers, 'api-server');
  caller = { cert, key };
});
after(async () => {
  await webhook.server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Sends a request on a new connection; resolves with the answer, empty when there is none. */
async function answerTo(
  port: number,
  options: ConnectionOptions,
  request = closingRequest(),
): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  // In one write with the end of the handshake, as Go's client does it.
  socket.once('secureConnect', () => socket.write(request));
  return await readAll(socket);
}

const closingRequest = (body = '{}'): string => webhookRequest({ body, headers: { connection: 'close' } });

test('input 67: a client certificate with 95 KB of others behind it is refused before any signature is verified', async () => {
  const { cert, key } = anEndlessChain(72);
  refused.length = 0;
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    assert.equal(await answerTo(webhook.port, { cert, key, ciphers: 'DEFAULT@SECLEVEL=0', maxVersion }), '');
  }
  assert.deepEqual(refused, ['long', 'long']);
  assert.equal(statusOf(await answerTo(webhook.port, caller)), 200);
});

test('a caller with a certificate is answered in TLS 1.2 and 1.3, over HTTP/1.1, and counts as connected', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const socket = await webhook.connect({ ...caller, maxVersion, ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(socket.alpnProtocol, 'http/1.1');
    socket.write(webhookRequest());
    await once(socket, 'data');
    assert.deepEqual([webhook.server.handshakes(), webhook.server.connections.count()], [0, 1]);
    socket.write(closingRequest());
    await readAll(socket);
  }
});

test('a request of megabytes may follow the handshake at once', async () => {
  const body = 'x'.repeat(3 * mostHandshakeBytes * 64);
  const answer = await answerTo(webhook.port, caller, closingRequest(body));
  assert.ok(answer.endsWith(`{"bytes":${body.length}}`), answer.slice(0, 200));
});

test('a caller whose handshake arrives byte by byte is answered', async () => {
  const tcp = connectTcp({ port: webhook.port, host: '127.0.0.1', noDelay: true });
  await once(tcp, 'connect');
  const slow = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      for (const byte of chunk.subarray(0, -1)) tcp.write(Buffer.from([byte]));
      tcp.write(chunk.subarray(-1), done);
    },
  });
  tcp.on('data', (chunk) => slow.push(chunk));
  tcp.once('close', () => slow.destroy());
  const socket = connect({ socket: slow, rejectUnauthorized: false, ...caller });
  socket.once('secureConnect', () => socket.write(closingRequest()));
  assert.equal(statusOf(await readAll(socket)), 200);
});

test('a caller whose failed handshakes cost much is refused for a while, before TLS', async (t) => {
  let nowMs = 0;
  let cpuMs = 0;
  const reasons: string[] = [];
  const { certificate: cert, key } = aSelfSignedPair(Date.now());
  const ca = await readFile(callers.certificateFile, 'utf8');
  const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true }, (_, response) =>
    response.end('answered'),
  );
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  boundHandshakes(server, {
    monotonicMs: () => nowMs,
    // Each step of a handshake takes 100 ms.
    cpuMs: () => {
      cpuMs += 100;
      return cpuMs;
    },
    onSecure: () => undefined,
    onRefused: (reason) => reasons.push(reason),
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  for (let count = 0; count < 3; count += 1) assert.equal(await answerTo(port, {}), '');
  assert.ok(reasons.length > 0 && reasons.every((reason) => reason === 'costly'), `${reasons}`);
  assert.equal(await answerTo(port, caller), '');
  nowMs = 60_000;
  assert.match(await answerTo(port, caller), /answered/);
});
