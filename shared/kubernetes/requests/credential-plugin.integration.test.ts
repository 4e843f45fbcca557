import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { connectKubernetes } from './connect-kubernetes.ts';
import { runPlugin } from './run-plugin.ts';

const log = pino({ level: 'silent' });
const call = { verb: 'list', path: '/api/v1/secrets' } as const;
const path = '/usr/bin:/bin';

type Exec = Record<string, unknown>;

/** A server that admits the token `right`, and a kubeconfig whose user has the plugin. */
async function pluginOf(t: TestContext, exec: Exec, { scripts = {} as Record<string, string> } = {}) {
  let asked = 0;
  const server = http.createServer(({ headers }, response) => {
    asked += 1;
    response.statusCode = headers.authorization === 'Bearer right' ? 200 : 401;
    response.end('{"items":[]}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-plugin-'));
  await mkdir(join(folder, 'bin'));
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const kubeconfigFile = join(folder, 'kubeconfig');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const apiVersion = 'client.authentication.k8s.io/v1';
  const kubeconfig = {
    clusters: [{ name: 'c', cluster: { server: address, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { exec: { apiVersion, interactiveMode: 'Never', ...exec } } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  };
  await writeFile(kubeconfigFile, JSON.stringify(kubeconfig));
  const connect = (environment: Record<string, string> = { PATH: path }, file = kubeconfigFile) => {
    const kubernetes = connectKubernetes({ kubeconfigFile: file, environment, log });
    t.after(() => kubernetes.close());
    return kubernetes;
  };
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  return { folder, kubeconfigFile, address, connect, asked: () => asked };
}

const shell = (script: string): Exec => ({ command: 'sh', args: ['-c', script] });
const right = `echo '{"kind":"ExecCredential","status":{"token":"right"}}'`;

async function failureOf(asking: Promise<unknown>): Promise<LatchkeyError> {
  const error: unknown = await asking.then(
    () => undefined,
    (err: unknown) => err,
  );
  assert.ok(error instanceof LatchkeyError, String(error));
  return error;
}

test('a plugin that fails is told in its own words, with its exit code', async (t) => {
  const { connect, asked } = await pluginOf(t, shell("echo 'the session has expired' >&2; exit 255"));
  const { code, message } = await failureOf(connect().json(call));
  assert.equal(code, 'KUBERNETES_REFUSED');
  assert.equal(
    message,
    'cannot list secrets in the cluster: the credential plugin sh of user u in the kubeconfig ended with exit code 255: the session has expired',
  );
  assert.equal(asked(), 0);
});

test('the words of a plugin are bounded, on one line, and nothing that a terminal obeys', async (t) => {
  const script =
    'i=0; while [ $i -lt 500 ]; do echo "line $i" >&2; i=$((i+1)); done; printf "\\033[31mlast\\007\\n" >&2; exit 1';
  const { message } = await failureOf((await pluginOf(t, shell(script))).connect().json(call));
  assert.match(message, / exit code 1: ….*line 499 \/ last\?$/);
  assert.ok(message.length < 800, String(message.length));
});

test('what a plugin prints for latchkey is never quoted', async (t) => {
  for (const script of ['echo hunter2', 'echo hunter2; exit 3', `echo '{"status":{"password":"hunter2"}}'`]) {
    const error = await failureOf((await pluginOf(t, shell(script))).connect().json(call));
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`, /hunter2/);
    assert.match(error.message, /printed no ExecCredential|exit code 3 without a word/);
  }
});

test('a command with a slash is taken from the folder of the kubeconfig, one without from PATH', async (t) => {
  const scripts = { 'bin/login': right };
  const near = await pluginOf(t, { command: './bin/login' }, { scripts });
  assert.deepEqual(await near.connect().json(call), { items: [] });
  const told = relative(process.cwd(), near.kubeconfigFile);
  assert.deepEqual(await near.connect({ PATH: path }, told).json(call), { items: [] });
  const far = await pluginOf(t, { command: 'login' }, { scripts });
  const environment = { PATH: `${join(far.folder, 'bin')}:${path}` };
  assert.deepEqual(await far.connect(environment).json(call), { items: [] });
});

test('a command that is missing is named, with where it was looked for and how to get it', async (t) => {
  const installHint = 'Install it:\n  brew install login';
  const near = await pluginOf(t, { command: 'bin/login', installHint });
  const { message } = await failureOf(near.connect().json(call));
  const file = join(near.folder, 'bin/login');
  assert.ok(
    message.endsWith(`is missing: there is no file ${file}. Install it: / brew install login`),
    message,
  );
  const far = await pluginOf(t, { command: 'no-such-login' });
  assert.match(
    (await failureOf(far.connect().json(call))).message,
    /no folder of PATH has it \(\/usr\/bin:\/bin\)$/,
  );
  assert.match((await failureOf(far.connect({}).json(call))).message, /\(PATH is empty\)$/);
});

test('a plugin that needs a terminal is not run', async (t) => {
  const { connect } = await pluginOf(t, { ...shell(right), interactiveMode: 'Always' });
  assert.match((await failureOf(connect().json(call))).message, /needs a terminal/);
});

test('calls share a run of the plugin, what it gave is kept until it expires, and after a 401 it runs again', async (t) => {
  const scripts = { login: `echo run >>"$(dirname "$0")/runs"; ${right}` };
  const kept = await pluginOf(t, { command: './login' }, { scripts });
  const kubernetes = kept.connect();
  const runs = async ({ folder }: { folder: string }) =>
    (await readFile(join(folder, 'runs'), 'utf8')).split('\n').length - 1;
  await Promise.all([kubernetes.json(call), kubernetes.json(call), kubernetes.json(call)]);
  await kubernetes.json(call);
  assert.equal(await runs(kept), 1);

  const expired = right.replace('"right"', '"right","expirationTimestamp":"2020-01-01T00:00:00Z"');
  const anew = await pluginOf(
    t,
    { command: './login' },
    { scripts: { login: scripts.login.replace(right, expired) } },
  );
  const again = anew.connect();
  await again.json(call);
  await again.json(call);
  assert.equal(await runs(anew), 2);

  const refused = await pluginOf(
    t,
    { command: './login' },
    { scripts: { login: scripts.login.replace('"right"', '"wrong"') } },
  );
  assert.equal((await failureOf(refused.connect().json(call))).fields.statusCode, 401);
  assert.equal(await runs(refused), 2);
});

test('a plugin that leaves a child with its standard output behind is answered', async (t) => {
  const login = `sleep 60 & echo $! >"$(dirname "$0")/child"; ${right}`;
  const { folder, connect } = await pluginOf(t, { command: './login' }, { scripts: { login } });
  assert.deepEqual(await connect().json(call), { items: [] });
  process.kill(Number(await readFile(join(folder, 'child'), 'utf8')));
});

test('a plugin that ignores SIGTERM is killed when its time is over', async () => {
  const script = "trap '' TERM; while :; do :; done";
  const limits = { timeoutMs: 100, mostOutputBytes: 1_024 };
  const { failure } = await runPlugin('sh', ['-c', script], { PATH: path }, limits);
  assert.deepEqual([failure?.killed, failure?.signal], [true, 'SIGKILL']);
});

test('a plugin is told what is wanted of it, gets its variables, and no standard input', async (t) => {
  const script = `cat; printf %s "$KUBERNETES_EXEC_INFO $LOGIN_PROFILE" >&2; exit 4`;
  const env = [{ name: 'LOGIN_PROFILE', value: 'ops' }];
  const { connect, address } = await pluginOf(t, { ...shell(script), env, provideClusterInfo: true });
  const { message } = await failureOf(connect().json(call));
  const info = {
    kind: 'ExecCredential',
    apiVersion: 'client.authentication.k8s.io/v1',
    spec: { interactive: false, cluster: { server: address, 'insecure-skip-tls-verify': true } },
  };
  assert.ok(message.endsWith(`exit code 4: ${JSON.stringify(info)} ops`), message);
});
