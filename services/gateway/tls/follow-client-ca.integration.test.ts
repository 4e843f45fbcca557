import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pino } from 'pino';
import { webhookPath } from '#shared/contracts/kubernetes/webhook-path.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import {
  type Authority,
  createAuthority,
  issueCertificate,
} from '#testkit/certificates/certificate-authority.ts';
import { aWebhookServerContext } from '#testkit/gateway/listening-webhook.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import { createWebhookServer } from '../http/webhook-server.ts';
import { followClientCa, parseClientCa } from './follow-client-ca.ts';

const log = pino({ level: 'silent' });
let folder: string;
let serving: Authority;
let callers: Authority;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-client-ca-'));
  [serving, callers] = await Promise.all([
    createAuthority(folder, 'serving'),
    createAuthority(folder, 'callers'),
  ]);
});
after(() => rm(folder, { recursive: true, force: true }));

/** A server with a certificate for `localhost` that trusts the callers' CA; resolves with its port. */
async function aServer(path: string): Promise<{ port: number; stop: () => Promise<void> }> {
  const server = createWebhookServer(() => ({ status: 200, json: '{"answered":true}' }), {
    ...aWebhookServerContext,
    requestsClientCertificate: true,
  });
  server.use(await issueCertificate(serving, 'localhost'));
  const clientCa = followClientCa({ path, clock: systemClock, log, onClientCa: server.trust });
  await clientCa.start();
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.app.server.address() as AddressInfo;
  return {
    port,
    stop: async () => {
      clientCa.stop();
      await server.close();
    },
  };
}

async function call(port: number, identity: RequestOptions = {}): Promise<number | undefined> {
  const ca = await readFile(serving.certificateFile);
  const options = { port, ca, path: webhookPath, method: 'POST', agent: false, ...identity };
  const sent = request({ host: 'localhost', headers: { 'content-type': 'application/json' }, ...options });
  sent.end('{}');
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
}

test('a caller with a certificate of the CA is answered, one without or with another is refused in TLS', async (t) => {
  const { port, stop } = await aServer(callers.certificateFile);
  t.after(stop);
  const own = await issueCertificate(callers, 'api-server');
  assert.equal(await call(port, { cert: own.certificate, key: own.key }), 200);
  await assert.rejects(call(port), /certificate required|ECONNRESET/i);
  const foreign = await issueCertificate(serving, 'somebody');
  await assert.rejects(call(port, { cert: foreign.certificate, key: foreign.key }));
});

test('the client CA is followed: a new one counts from the next handshake on, an unusable file changes nothing', async (t) => {
  const path = join(folder, 'followed.crt');
  await writeFile(path, await readFile(callers.certificateFile));
  const { port, stop } = await aServer(path);
  t.after(stop);
  const old = await issueCertificate(callers, 'old');
  const next = await issueCertificate(serving, 'next');
  await writeFile(path, 'nothing');
  assert.equal(await call(port, { cert: old.certificate, key: old.key }), 200);
  await writeFile(path, await readFile(serving.certificateFile));
  await waitFor(async () => (await call(port, { cert: next.certificate, key: next.key })) === 200, {
    timeoutMs: 10_000,
    what: 'the new CA to be trusted',
  });
  await assert.rejects(call(port, { cert: old.certificate, key: old.key }));
});

test('a file without a certificate is refused, for Node would then trust every public CA', () => {
  for (const content of [
    undefined,
    Buffer.from(''),
    Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
  ])
    assert.throws(() => parseClientCa(content, '/ca.crt'), { code: 'CONFIG_INVALID', message: /\/ca\.crt/ });
});
