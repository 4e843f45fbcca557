import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import type { VaultProviderConfig } from '#shared/contracts/config/provider-config.ts';
import { startProcessGuard } from '#testkit/processes/process-guard.ts';
import { mostAnswerBytes } from '#testkit/providers/a-listing.ts';
import { createAwsProvider } from '../../services/resolver/providers/aws-provider.ts';
import { createVaultProvider } from '../../services/resolver/providers/vault-provider.ts';
import { listAll } from './held-rules.ts';
import { awsEnvironment, awsOwner, motoProgram, region } from './moto.ts';
import { baoCall, openbaoProgram, rootToken } from './openbao.ts';
import { type ProviderProgram, type RunningProvider, startProvider } from './provider-program.ts';

// What the provider files list, against the programs themselves, without a cluster.
let folder: string;
let guard: ReturnType<typeof startProcessGuard>;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-listing-'));
  guard = startProcessGuard(folder);
});
after(async () => {
  await guard.close();
  await rm(folder, { recursive: true, force: true });
});

const started = (program: ProviderProgram): Promise<RunningProvider> =>
  startProvider(program, { folder, logFolder: join(folder, 'logs'), guard });

test('AWS: every page is listed, and what is to be deleted is not', async () => {
  Object.assign(process.env, awsEnvironment);
  const provider = await started(await motoProgram());
  const wanted: string[] = [];
  await provider.start(async (direct) => {
    const owner = awsOwner(direct);
    for (let number = 0; number < 230; number++) wanted.push(await owner.create(`team/secret-${number}`));
    await owner.remove(wanted.shift() ?? '');
  });
  const { endpoint } = provider;
  const listed = await listAll(createAwsProvider({ region, endpoint, refreshSeconds: 60 }, mostAnswerBytes));
  assert.deepEqual(listed.map(({ secret }) => secret).sort(), wanted.sort());
  await provider.kill();
  await assert.rejects(listAll(createAwsProvider({ region, endpoint, refreshSeconds: 60 }, mostAnswerBytes)));
  await provider.stop();
});

test('AWS: an endpoint that does not answer is an error within a bounded time', async () => {
  const deaf = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  const endpoint = `http://127.0.0.1:${(deaf.address() as AddressInfo).port}`;
  await assert.rejects(
    listAll(createAwsProvider({ region, endpoint, refreshSeconds: 60 }, mostAnswerBytes)),
    {
      name: 'TimeoutError',
    },
  );
  deaf.close();
});

async function vaultConfig(
  { endpoint }: RunningProvider,
  token: string,
  mounts: VaultProviderConfig['mounts'],
): Promise<VaultProviderConfig> {
  const tokenFile = join(folder, `token-${token.length}-${mounts.length}`);
  await writeFile(tokenFile, `${token}\n`);
  const provider = { address: endpoint, mounts, auth: { tokenFile } };
  return latchkeyConfigSchema.parse({ vault: { provider } }).vault.provider;
}

test('Vault: kv2, kv1 and db are listed as tasks name them, folders too, with a right to list and no other', async () => {
  const provider = await started(await openbaoProgram());
  let token = '';
  await provider.start(async (direct) => {
    const call = (method: string, path: string, body: object) => baoCall(direct, method, path, body);
    await call('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } });
    await call('POST', 'sys/mounts/database', { type: 'database' });
    for (const path of ['top', 'team/db', 'team/deep/er/api key']) {
      await call('POST', encodeURI(`secret/data/${path}`), { data: { password: 'value of a test' } });
      await call('POST', encodeURI(`old/${path}`), { password: 'value of a test' });
    }
    await call('POST', 'database/roles/reader', { db_name: 'any', creation_statements: ['x'] });
    const paths = ['secret/metadata/*', 'old/*', 'database/roles', 'database/static-roles'];
    const policy = paths.map((path) => `path "${path}" { capabilities = ["list"] }`).join('\n');
    await call('POST', 'sys/policies/acl/list-names', { policy });
    const made = await call('POST', 'auth/token/create', { policies: ['list-names'] });
    token = (made as { auth: { client_token: string } }).auth.client_token;
    await assert.rejects(baoCall(direct, 'GET', 'secret/data/top', undefined, token), /403/);
  });
  const all: VaultProviderConfig['mounts'] = [
    { path: 'secret', engine: 'kv2' },
    { path: 'old', engine: 'kv1' },
    { path: 'database', engine: 'db' },
  ];
  const listed = await listAll(createVaultProvider(await vaultConfig(provider, token, all), mostAnswerBytes));
  assert.deepEqual(listed.map(({ secret }) => secret).sort(), [
    'database/creds/reader',
    'old/team/db',
    'old/team/deep/er/api key',
    'old/top',
    'secret/data/team/db',
    'secret/data/team/deep/er/api key',
    'secret/data/top',
  ]);
  const refused = async (with_: string, mounts: VaultProviderConfig['mounts'], words: RegExp) =>
    assert.rejects(
      listAll(createVaultProvider(await vaultConfig(provider, with_, mounts), mostAnswerBytes)),
      {
        code: 'PROVIDER_UNREACHABLE',
        message: words,
      },
    );
  await refused('no-token', all, /403 for secret\/metadata\/.*permission denied/);
  await refused(
    rootToken,
    [...all, { path: 'absent', engine: 'kv2' }],
    /404 for absent\/metadata\/.*no handler/,
  );
  await provider.stop();
});
