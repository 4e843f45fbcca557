import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { createAuthority, issueCertificate } from '#testkit/certificates/certificate-authority.ts';
import { startNatsServer } from '#testkit/nats/nats-server.ts';
import { startTestBus } from '#testkit/nats/test-bus.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';

const program = join(import.meta.dirname, '../../../testkit/nats/connect-to-nats.ts');

/** Runs the program until it prints such a line, and returns that. */
async function lineOf(args: readonly string[], env: Record<string, string>, wanted: RegExp): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  try {
    for await (const line of createInterface(child.stdout)) if (wanted.test(line)) return line;
    return assert.fail(`the program ended without ${wanted}`);
  } finally {
    child.kill();
    await ended;
  }
}

test('a service reaches a NATS with TLS of a private authority by NODE_EXTRA_CA_CERTS, and says why not without it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-tls-'));
  t.after(() => rm(folder, { recursive: true }));
  const authority = await createAuthority(folder, 'private');
  const { certificateFile, keyFile } = await issueCertificate(authority, 'localhost');
  const testBus = await startTestBus(async (place, guard) => {
    const [port = 0, monitoringPort = 0] = await freePorts(2);
    const tls = `tls { cert_file: "${certificateFile}", key_file: "${keyFile}" }\n`;
    const adaptNats = (text: string) => `${tls}${text}`;
    return [await startNatsServer({ ...place, port, monitoringPort, adaptNats }, guard)];
  });
  t.after(() => testBus.stop());
  const { port } = new URL(testBus.nats.url);
  const credentials = await testBus.credentials('gateway');
  const trusting = { NODE_EXTRA_CA_CERTS: authority.certificateFile };
  for (const scheme of ['tls', 'nats']) {
    const url = `${scheme}://localhost:${port}`;
    assert.equal(await lineOf([url, credentials], trusting, /^connected/), 'connected {"isTls":true}');
  }
  const refused = await lineOf([`tls://localhost:${port}`, credentials], {}, /no connection to NATS yet/);
  assert.match(refused, /self-signed certificate|unable to verify|unable to get local issuer/i);
});

test('tls:// refuses a server without TLS', async (t) => {
  const testBus = await startTestBus();
  t.after(() => testBus.stop());
  const url = testBus.nats.url.replace('nats:', 'tls:');
  const refused = await lineOf([url, await testBus.credentials('gateway')], {}, /no connection to NATS yet/);
  assert.match(refused, /tls/i);
});
