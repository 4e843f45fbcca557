import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { admitReview } from '#shared/core/admission/admit.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { customManager } from '#shared/managers/custom/custom-manager.ts';
import { loadRecipeFile } from '#shared/managers/custom/recipe-file.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';
import { startProcessGuard } from '#testkit/processes/process-guard.ts';
import { pythonEnvironmentWith } from '#testkit/processes/python-environment.ts';
import { awsEnvironment, motoProgram } from './moto.ts';
import { type RunningProvider, startProvider } from './provider-program.ts';

// What deploy/recipes/confidant.yaml makes an init container run, with Confidant's own client. KMS is moto's server.
const run = promisify(execFile);
const client = { name: 'confidant-client', version: '2.7.1', requirements: ['confidant-client==2.7.1'] };
const recipeFile = join(import.meta.dirname, '../../deploy/recipes/confidant.yaml');
const config = latchkeyConfigSchema.parse({ chain: ['own'], custom: { own: 'own.yaml' } });

let folder: string;
let guard: ReturnType<typeof startProcessGuard>;
let kms: RunningProvider;
let python: string;
let confidant: http.Server;
const callers: unknown[] = [];

/** Answers as Confidant's route of a service does (docs/root/api.rst of lyft/confidant). */
const services: Record<string, object> = {
  'billing-production': {
    id: 'billing-production',
    credentials: [
      { id: 'a', name: 'first', credential_pairs: { api_token: 'a token\r\nof two lines é' } },
      { id: 'b', name: 'second', credential_pairs: { password: 'hunter2' } },
    ],
    blind_credentials: [],
  },
};

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-confidant-'));
  guard = startProcessGuard(folder);
  python = await pythonEnvironmentWith(client, process.env);
  kms = await startProvider(await motoProgram(), { folder, logFolder: join(folder, 'logs'), guard });
  await kms.start(async (direct) => {
    const script = `import boto3; kms = boto3.client('kms'); key = kms.create_key()['KeyMetadata']['KeyId']; kms.create_alias(AliasName='alias/authnz-production', TargetKeyId=key)`;
    await run(python, ['-c', script], { env: awsEnv(direct) });
  });
  confidant = http.createServer(({ url = '', headers }, response) => {
    const name = new URL(url, 'http://confidant').pathname.replace('/v1/services/', '');
    const login = Buffer.from(headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString('utf8');
    const [from, token = ''] = login.split(':');
    callers.push({ name, from, hasToken: token.length > 0 });
    const isForbidden = name === 'forbidden';
    response.statusCode = isForbidden ? 403 : name in services ? 200 : 404;
    response.end(JSON.stringify(isForbidden ? { error: 'not yours' } : (services[name] ?? {})));
  });
  await once(confidant.listen(0, '127.0.0.1'), 'listening');
  // Else it keeps its token in a file of the machine.
  await writeFile(join(folder, '.confidant'), "default: { token_cache_file: '' }\n");
  // The client's own program does not outlive the move of its virtual environment.
  await mkdir(join(folder, 'bin'));
  const main = 'from confidant_client.cli import main; main()';
  const program = `#!/bin/sh\nexec ${python} -c '${main}' "$@"\n`;
  await writeFile(join(folder, 'bin/confidant'), program, { mode: 0o755 });
});
after(async () => {
  confidant?.close();
  await kms?.stop();
  await guard.close();
  await rm(folder, { recursive: true, force: true });
});

const awsEnv = (endpoint: string) => ({
  ...awsEnvironment,
  AWS_ENDPOINT_URL: endpoint,
  AWS_DEFAULT_REGION: 'us-east-1',
});

interface Pulling {
  spec: { initContainers: { command: string[]; env: { name: string; value: string }[] }[] };
}

/** Runs the container that the admitted pod has, with its files below the folder of the test. */
async function pull(group: string, key: string) {
  const recipe = await loadRecipeFile(recipeFile, config);
  const rules = createOfflineRules(config, [customManager('own', recipe)])(inventorySchema.parse({}), 'ns');
  const pod = aPod({ asks: [{ group, key }] });
  applyPatch(pod, admitReview(aReview(pod), rules).patch);
  const [container] = (pod as Pulling).spec.initContainers;
  assert.ok(container !== undefined);
  const asked = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
  const file = join(folder, asked.SECRET_FILE ?? '');
  const { port } = confidant.address() as AddressInfo;
  const [, ...args] = container.command;
  const path = `${join(folder, 'bin')}:${dirname(python)}:/usr/bin:/bin`;
  const env = {
    ...awsEnv(kms.endpoint),
    ...asked,
    HOME: folder,
    PATH: path,
    SECRET_FILE: file,
    CONFIDANT_URL: `http://127.0.0.1:${port}`,
  };
  return { file, ran: run(python, args, { env }) };
}

test('the file holds the value, byte for byte, and every user of the pod may read it', async () => {
  const { file, ran } = await pull('billing-production', 'API_Token');
  const { stdout, stderr } = await ran;
  assert.equal(await readFile(file, 'utf8'), 'a token\r\nof two lines é');
  assert.equal((await stat(file)).mode & 0o777, 0o644);
  assert.ok(!stdout.includes('a token') && !stderr.includes('a token'), 'the value is in the log');
  assert.deepEqual(callers.at(-1), {
    name: 'billing-production',
    from: '2/service/billing-production',
    hasToken: true,
  });
});

for (const [group, key, why] of [
  ['billing-production', 'other', /Confidant has no credential other for the service billing-production/],
  ['nobody', 'api_token', /Confidant has no service nobody/],
  ['forbidden', 'api_token', /confidant get_service forbidden ended with exit code 1/],
] as const) {
  test(`the container fails, says why and writes no file: ${group}/${key}`, async () => {
    const { file, ran } = await pull(group, key);
    const failure: unknown = await ran.catch((err: unknown) => err);
    assert.ok(failure instanceof Error && 'stderr' in failure, String(failure));
    assert.match(String(failure.stderr), why);
    assert.doesNotMatch(String(failure.stderr), /hunter2/);
    await assert.rejects(stat(file), { code: 'ENOENT' });
  });
}
