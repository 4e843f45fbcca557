import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { gcpManager } from '#shared/managers/shipped/gcp.ts';
import { createGcpProvider } from '../../services/resolver/providers/gcp-provider.ts';
import { startGcpDouble, writeServiceAccountKey } from './gcp-double.ts';
import { followInMemory, listAll, until } from './held-rules.ts';

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
const openProvider = () => createGcpProvider(configured().gcp.provider);

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
    .listSecrets(aborting.signal, () => undefined)
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
      .listSecrets(aborting.signal, () => undefined)
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
