import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { newPasswords, startNatsServer } from '#testkit/nats/nats-server.ts';
import { startTestBus } from '#testkit/nats/test-bus.ts';
import { freePorts } from '#testkit/processes/free-ports.ts';

const program = join(import.meta.dirname, '../../deploy/nats/generate-credentials.ts');

/** The passwords that the program prints, by user. */
async function generate(...args: string[]): Promise<Map<string, string>> {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
  const secrets: { stringData: { username: string; password: string } }[] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return new Map(secrets.map(({ stringData: { username, password } }) => [username, password]));
}

async function aConfiguration(t: TestContext, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-logins-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'latchkey.yaml'), text);
  return join(folder, 'latchkey.yaml');
}

test('NATS runs with what nats-credentials prints, and lets in nobody whose manager is not in the chain', async (t) => {
  const printed = await generate();
  const testBus = await startTestBus(async (place, guard) => {
    const [port = 0, monitoringPort = 0] = await freePorts(2);
    const passwords = { ...(await newPasswords()), ...Object.fromEntries(printed) };
    return [await startNatsServer({ ...place, port, monitoringPort, passwords }, guard)];
  });
  t.after(() => testBus.stop());
  const { url: servers } = testBus.nats;
  const login = async (user: string, pass: string | undefined): Promise<void> => {
    const connection = await connect({
      servers,
      user,
      ...(pass === undefined ? {} : { pass }),
      reconnect: false,
    });
    await connection.close();
  };
  for (const user of ['gateway', 'cert-manager', 'discovery', 'resolver-global', 'resolver-k8s']) {
    await login(user, printed.get(user));
  }
  for (const user of ['resolver-aws', 'resolver-gcp', 'resolver-azure', 'resolver-vault']) {
    for (const guess of [printed.get(user), '', undefined, user]) {
      await assert.rejects(login(user, guess), { name: 'AuthorizationError' }, `${user} ${guess}`);
    }
  }
});

test('a manager gets its login with the chain, or alone when it comes to an installation', async (t) => {
  const isLocked = (password: string | undefined) => password?.startsWith('$2a$') === true;
  const config = await aConfiguration(t, 'chain: [vault, k8s]\n');
  const printed = await generate('--config', config);
  const resolvers = [...printed.keys()].filter((user) => user.startsWith('resolver-'));
  assert.deepEqual(
    resolvers.filter((user) => !isLocked(printed.get(user))),
    ['resolver-k8s', 'resolver-vault'],
  );
  const alone = await generate('--manager', 'aws');
  assert.deepEqual([...alone.keys()], ['resolver-aws']);
  assert.equal(isLocked(alone.get('resolver-aws')), false);
});

test('nats-credentials says which user nats.conf lacks for a manager of the chain, and what is wrong with latchkey.yaml', async (t) => {
  const config = await aConfiguration(t, 'chain: [store]\ncustom: { store: store.yaml }\n');
  await assert.rejects(generate('--config', config), /nats\.conf has no user resolver-store: add it/);
  const broken = await aConfiguration(t, 'chain: store\n');
  await assert.rejects(generate('--config', broken), (failure: Error & { stderr: string }) => {
    assert.match(failure.stderr, /^\S+latchkey\.yaml has 1 wrong field\(s\):\n {2}chain: [^\n]*\n$/);
    return true;
  });
});
