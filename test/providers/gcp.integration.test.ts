import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { gcpManager } from '#shared/managers/shipped/gcp.ts';
import { aListing, mostAnswerBytes } from '#testkit/providers/a-listing.ts';
import { createGcpProvider } from '../../services/resolver/providers/gcp-provider.ts';
import { canary, startGcpDouble, writeServiceAccountKey } from './gcp-double.ts';
import { followInMemory, listAll, until } from './held-rules.ts';
import { assertListFault } from './list-fault.ts';

// The official SDK against a double (gcp-double.ts): no registry has an emulator of GCP Secret Manager.
let double: Awaited<ReturnType<typeof startGcpDouble>>;
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'latchkey-gcp-'));
  const key = join(folder, 'key.json');
  await writeServiceAccountKey(key);
  process.env.GOOGLE_APPLICATION_CREDENTIALS = key;
  double = await startGcpDouble();
});
after(async () => {
  await double?.stop();
  await rm(folder, { recursive: true, force: true });
});

const configured = () =>
  latchkeyConfigSchema.parse({
    gcp: { inventory: 'closed', provider: { projects: ['team'], endpoint: double.endpoint } },
  });
const openProvider = () => createGcpProvider(configured().gcp.provider, mostAnswerBytes);

test('all pages are listed, with enabled versions and the aliases of these, by id and number of the project', async () => {
  double.secrets.clear();
  for (const name of ['a', 'b', 'c', 'd', 'e']) double.secrets.set(name, { versions: { '1': 'ENABLED' } });
  const aliases = { versionAliases: { prod: '3', old: '1' } };
  const states = { '1': 'DISABLED', '2': 'DESTROYED', '3': 'ENABLED' } as const;
  double.secrets.set('e', { versions: states, ...aliases });
  const listed = await listAll(openProvider());
  assert.deepEqual(
    listed.map(({ secret }) => secret),
    ['a', 'b', 'c', 'd', 'e'].flatMap((name) => [
      `projects/team/secrets/${name}`,
      `projects/123/secrets/${name}`,
    ]),
  );
  assert.deepEqual(listed.at(-1)?.keys, ['3', 'prod', 'latest']);
  assert.deepEqual(
    double.requests.filter(
      (request) => !/^GET \/v1\/projects\/\w+\/secrets(\/\w+\/versions)?$/.test(request),
    ),
    [],
  );
});

test('latest can be asked for only while the newest version is enabled: of a disabled one the pull would fail', async () => {
  double.secrets.clear();
  double.secrets.set('ok', { versions: { '9': 'ENABLED', '10': 'ENABLED' } });
  double.secrets.set('disabled', {
    versions: { '1': 'ENABLED', '2': 'DISABLED' },
    versionAliases: { prod: '1', next: '2' },
  });
  double.secrets.set('destroyed', { versions: { '8': 'ENABLED', '9': 'ENABLED', '10': 'DESTROYED' } });
  double.secrets.set('none', { versions: {} });
  const listed = await listAll(openProvider());
  const keysOf = (name: string) =>
    listed.find(({ secret }) => secret === `projects/team/secrets/${name}`)?.keys;
  assert.deepEqual(keysOf('ok'), ['10', '9', 'latest']);
  assert.deepEqual(keysOf('disabled'), ['1', 'prod']);
  assert.deepEqual(keysOf('destroyed'), ['9', '8']);
  assert.deepEqual(keysOf('none'), []);
});

test('of a secret the newest thousand versions are listed, so that one never fills a record', async () => {
  double.secrets.clear();
  const versions = Object.fromEntries(
    Array.from({ length: 1_100 }, (_, index) => [`${index + 1}`, 'ENABLED' as const]),
  );
  double.secrets.set('old', { versions });
  const keys = (await listAll(openProvider()))[0]?.keys ?? [];
  assert.deepEqual([keys.length, keys[0], keys.at(-2), keys.at(-1)], [1_001, '1100', '101', 'latest']);
});

test('answers of GCP without end, too long or not its own end the list with an error that quotes none of them', async () => {
  const ends = async (
    outage: Parameters<typeof double.fail>[0],
    code: string,
    words: RegExp,
  ): Promise<void> => {
    double.fail(outage);
    await assertListFault('gcp', openProvider(), { code, words, canary });
  };
  await ends('same page', 'PROVIDER_UNREACHABLE', /the list of projects\/team has no end/);
  await ends('long answer', 'SET_TOO_LARGE', /GCP answered 200 for .*more than 1048576 bytes/);
  await ends('no JSON', 'PROVIDER_UNREACHABLE', /GCP answered 200 for .* with 24 bytes of .* no JSON/);
  await ends(
    'refused without JSON',
    'PROVIDER_UNREACHABLE',
    /GCP answered 403 for .* with 24 bytes of .* no JSON/,
  );
  double.fail('none');
});

test('a list that breaks off in the middle is an error, not a shorter list', async () => {
  double.fail('second page');
  await assert.rejects(listAll(openProvider()));
  double.fail('none');
});

test('a secret that is deleted while the list is made is left out, and ends it for no other', async () => {
  double.secrets.clear();
  for (const name of ['a', 'b', 'c'])
    double.secrets.set(name, { versions: { '1': 'ENABLED' }, isGone: name === 'b' });
  const leftOut: string[] = [];
  const listed = await listAll(openProvider(), leftOut);
  assert.deepEqual(
    listed.map(({ secret }) => secret).filter((secret) => secret.includes('/team/')),
    ['a', 'c'].map((name) => `projects/team/secrets/${name}`),
  );
  assert.deepEqual(leftOut, ['projects/123/secrets/b']);
});

test('a list that is aborted asks no further', async () => {
  double.secrets.clear();
  for (let index = 0; index < 20; index++) double.secrets.set(`s${index}`, { versions: { '1': 'ENABLED' } });
  const aborting = new AbortController();
  const listing = openProvider()
    .listSecrets(aListing({ signal: aborting.signal }))
    [Symbol.asyncIterator]();
  assert.equal((await listing.next()).done, false);
  aborting.abort();
  await assert.rejects(
    async () => {
      while (!(await listing.next()).done);
    },
    { name: 'AbortError' },
  );
  await assert.rejects(
    openProvider()
      .listSecrets(aListing({ signal: aborting.signal }))
      [Symbol.asyncIterator]()
      .next(),
    {
      name: 'AbortError',
    },
  );
});

test('a secret appears and goes; while GCP is away the known one is served and the rest unknown; it recovers', async () => {
  double.secrets.clear();
  double.secrets.set('kept', { versions: { '1': 'ENABLED' } });
  const held = followInMemory(gcpManager, configured(), openProvider());
  const asked = { group: 'projects/team/secrets/token', groupVersion: 'latest' };
  const kept = { group: 'kept', groupVersion: '1' };
  try {
    await until(held, asked, 'absent');
    double.secrets.set('token', { versions: { '1': 'ENABLED' } });
    await until(held, asked, 'found');
    assert.equal(held.ask({ ...asked, groupVersion: '2' })?.kind, 'absent');
    const near = held.ask({ ...asked, group: 'projects/team/secrets/tokn' });
    assert.deepEqual(near?.kind === 'absent' && near.nearMisses(), [`${asked.group}/versions/latest`]);
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
