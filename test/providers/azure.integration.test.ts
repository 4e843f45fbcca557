import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { azureManager } from '#shared/managers/shipped/azure.ts';
import { createAuthority, issueCertificate } from '#testkit/certificates/certificate-authority.ts';
import { mostAnswerBytes } from '#testkit/providers/a-listing.ts';
import { type AzureAccess, createAzureProvider } from '../../services/resolver/providers/azure-provider.ts';
import { canary, startAzureDouble, vaultUrl } from './azure-double.ts';
import { followInMemory, listAll, until } from './held-rules.ts';
import { assertListFault } from './list-fault.ts';

// The official SDK against a double (azure-double.ts), with a token that no Azure has issued.
let double: Awaited<ReturnType<typeof startAzureDouble>>;
let folder: string;
let access: AzureAccess;
type PipelinePolicy = NonNullable<
  NonNullable<AzureAccess['options']>['additionalPolicies']
>[number]['policy'];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-azure-'));
  const authority = await createAuthority(folder, 'azure-double');
  double = await startAzureDouble(await issueCertificate(authority, 'localhost'));
  const token = { token: 'of-a-test', expiresOnTimestamp: Date.now() + 3_600_000 };
  access = {
    credential: { getToken: async () => token },
    options: {
      additionalPolicies: [{ policy: toDouble(double.url), position: 'perRetry' }],
      tlsOptions: { ca: await readFile(authority.certificateFile, 'utf8') },
    },
  };
});
after(async () => {
  await double?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Sends what is meant for the vault to the double. */
function toDouble(url: string): PipelinePolicy {
  return {
    name: 'to-double',
    sendRequest: async (request, next) => {
      const meant = request.url;
      request.url = meant.replace(vaultUrl, url);
      return next(request).finally(() => {
        request.url = meant;
      });
    },
  };
}

const configured = () =>
  latchkeyConfigSchema.parse({ azure: { inventory: 'closed', provider: { vaultUrls: [vaultUrl] } } });
const openProvider = () => createAzureProvider(configured().azure.provider, mostAnswerBytes, access);

test('all pages are listed, by URI, without what is disabled', async () => {
  double.secrets.clear();
  for (const name of ['a', 'b', 'c', 'd', 'e']) double.secrets.set(name, { enabled: name !== 'b' });
  assert.deepEqual(
    await listAll(openProvider()),
    ['a', 'c', 'd', 'e'].map((name) => ({ secret: `${vaultUrl}/secrets/${name}`, keys: [] })),
  );
  assert.deepEqual([...new Set(double.requests)], ['GET /secrets']);
});

test('a list that breaks off in the middle is an error, not a shorter list', async () => {
  double.fail('second page');
  await assert.rejects(listAll(openProvider()), { name: 'RestError', statusCode: 503 });
  double.fail('none');
});

test('answers of Azure without end, too long or not its own end the list with an error that quotes none of them', async () => {
  const ends = async (
    outage: Parameters<typeof double.fail>[0],
    code: string,
    words: RegExp,
  ): Promise<void> => {
    double.fail(outage);
    await assertListFault('azure', openProvider(), { code, words, canary });
  };
  await ends(
    'same page',
    'PROVIDER_UNREACHABLE',
    /the list of https:\/\/team\.vault\.azure\.net\/secrets\/ has no end/,
  );
  await ends('long answer', 'SET_TOO_LARGE', /Azure answered 200 for .*more than 1048576 bytes/);
  await ends(
    'no JSON',
    'PROVIDER_UNREACHABLE',
    /Azure answered 200 for .* with 19 bytes of application\/json, .*no JSON/,
  );
  double.fail('none');
});

test('a secret appears and goes; while Azure is away the known one is served and the rest unknown; it recovers', async () => {
  double.secrets.clear();
  double.secrets.set('kept', { enabled: true });
  const held = followInMemory(azureManager, configured(), openProvider());
  const [asked, kept] = ['token', 'kept'].map((name) => ({ group: `${vaultUrl}/secrets/${name}` }));
  assert.ok(asked && kept);
  try {
    await until(held, asked, 'absent');
    double.secrets.set('token', { enabled: true });
    await until(held, asked, 'found');
    const near = held.ask({ group: `${vaultUrl}/secrets/TOKN` });
    assert.deepEqual(near?.kind === 'absent' && near.nearMisses(), [asked.group]);
    double.secrets.delete('token');
    await until(held, asked, 'absent');
    double.fail('error');
    await until(held, asked, 'unknown');
    assert.equal(held.ask(kept)?.kind, 'found');
    double.fail('none');
    await until(held, asked, 'absent');
    assert.equal(held.ask(kept)?.kind, 'found');
  } finally {
    await held.stop();
  }
});
