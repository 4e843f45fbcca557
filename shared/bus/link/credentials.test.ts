import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { credsAuthenticator, nkeys } from '@nats-io/transport-node';
import pino from 'pino';
import { credentialsIn } from './credentials.ts';

/** What a service says to the server with these files, and what it logs. */
async function loginWith(t: TestContext, files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-credentials-'));
  t.after(() => rm(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  return { login: credentialsIn(folder, 'gateway', log)('nonce'), log: lines.join('') };
}

const seed = Buffer.from(nkeys.createUser().getSeed()).toString('utf8');
const block = (what: string, content: string, between = '') =>
  `-----BEGIN ${what}-----\n${content}\n${between}------END ${what}------\n`;
const ofNsc = `${block('NATS USER JWT', 'eyJ0.eyJq.c2ln')}
************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.
NKEYs are sensitive and should be treated as secrets.

${block('USER NKEY SEED', seed)}
*************************************************************
`;

test('a service logs in by a .creds file as the NATS client reads it', async (t) => {
  for (const text of [
    ofNsc,
    `a comment\n\n${ofNsc}`,
    `${block('NATS USER JWT', '  eyJ0.eyJq.c2ln  ', '\n \n')}${block('USER NKEY SEED', seed)}`,
    `---a---\neyJ0.eyJq.c2ln\n------\n------\n${seed}\n------`,
  ]) {
    const { login, log } = await loginWith(t, { 'gateway.creds': text });
    assert.deepEqual(login, credsAuthenticator(Buffer.from(`${text}\n`))('nonce'), text);
    assert.equal(log, '');
  }
  const { login } = await loginWith(t, { 'gateway.creds': ofNsc.replaceAll('\n', '\r\n') });
  assert.deepEqual(login, credsAuthenticator(Buffer.from(ofNsc))('nonce'));
});

// nats-core's own reader needs more than a day for the first of these.
test('a hostile .creds file or seed is refused without its content, and holds up no service', async (t) => {
  const most = 64 * 1024;
  for (const content of [
    `x${'-'.repeat(most - 2)}x`,
    `x${' '.repeat(most - 2)}x`,
    `x${'---\n'.repeat(most / 4 - 1)}x`,
    `---a---\ny\n${' \n'.repeat(most / 2 - 10)}x`,
    `------\nhunter2\n${'-'.repeat(most - 100)}\n`,
    ofNsc + ' '.repeat(most),
    `${seed}${'A'.repeat(most)}`,
    '',
  ]) {
    for (const name of ['gateway.creds', 'gateway.nk']) {
      const { login, log } = await loginWith(t, { [name]: content });
      const told = `${name} ${content.slice(0, 10)}`;
      if (name === 'gateway.creds' || content !== '') assert.deepEqual(login, { user: '' }, told);
      if (name === 'gateway.creds') assert.match(log, /credentials are not readable/, told);
      assert.ok(!log.includes('hunter2') && !log.includes(seed), told);
    }
  }
});
