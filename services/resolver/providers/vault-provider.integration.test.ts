import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { createVaultProvider } from './vault-provider.ts';

/** Stands in for Vault's kv2: lists what lies below a folder, and reads nothing for a token that may list alone. */
async function startVault(t: TestContext, secrets: string[], refuse: (folder: string) => number | undefined) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://vault');
    const folder = decodeURIComponent(url.pathname).replace(/^\/v1\/secret\/metadata\//, '');
    asked.push(folder);
    const below = secrets.filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length));
    const keys = [...new Set(below.map((path) => path.slice(0, path.indexOf('/') + 1) || path))];
    const status = url.search === '?list=true' ? (refuse(folder) ?? 200) : 403;
    const answer = status === 200 ? { data: { keys } } : { errors: ['1 error occurred'] };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { asked, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function list(
  t: TestContext,
  secrets: string[],
  refuse: (folder: string) => number | undefined = () => undefined,
) {
  const { asked, address } = await startVault(t, secrets, refuse);
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-vault-'));
  t.after(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'of-a-test');
  const config = { address, mounts: [{ path: 'secret', engine: 'kv2' }], auth: { tokenFile } };
  const provider = createVaultProvider(
    latchkeyConfigSchema.parse({ vault: { provider: config } }).vault.provider,
  );
  const [found, leftOut]: [string[], string[]] = [[], []];
  const leaveOut = (what: string, why: string): void => void leftOut.push(`${what}: ${why}`);
  for await (const { secret } of provider.listSecrets(new AbortController().signal, leaveOut))
    found.push(secret);
  return { found, leftOut, asked };
}

const named = (paths: string[]): string[] => paths.map((path) => `secret/data/${path}`);

test('no name of a Vault secret or folder changes the request that lists it', async (t) => {
  const odd = [
    '?',
    '#',
    '%',
    '%2F',
    '%2e%2e',
    '?list=false',
    ' ',
    '\n',
    '\0',
    '\\',
    'é',
    '😀',
    '&',
    '..x',
    '*',
  ];
  const secrets = [
    'db',
    'team/db',
    ...odd.flatMap((name) => [`team/x${name}`, `team/db${name}y/z`, `${name}/z`]),
  ];
  const { found, leftOut } = await list(t, secrets);
  assert.deepEqual(found.sort(), named(secrets).sort());
  assert.deepEqual(leftOut, []);
});

test('a folder of Vault that cannot be asked for is left out and named, and ends no listing', async (t) => {
  const impossible = ['./z', '../z', '\ud800/z', 'team/./z', 'team/../z', '/z', 'team//z'];
  const { found, leftOut, asked } = await list(t, ['a', ...impossible, 'team/b', 'z/..', 'z/.']);
  assert.deepEqual(found, named(['a', 'team/b']));
  const told = ['./', '../', '\ud800/', 'team/./', 'team/../', '/', 'team//', 'z/..', 'z/.'];
  assert.deepEqual(
    leftOut.sort(),
    named(told)
      .map((path) => `${path}: no path of an URL can have this name`)
      .sort(),
  );
  assert.deepEqual(asked, ['', 'team/', 'z/', '']);
});

test('a folder of Vault that is refused is left out, and one that is not answered ends the listing', async (t) => {
  const secrets = ['a', 'hers/b', 'his/c'];
  for (const status of [400, 403, 404, 405, 414]) {
    const { found, leftOut } = await list(t, secrets, (folder) => (folder === 'hers/' ? status : undefined));
    assert.deepEqual(found, named(['a', 'his/c']));
    assert.match(
      leftOut.join(),
      /^secret\/data\/hers\/: Vault answered \d+ for secret\/metadata\/hers\/: 1 error/,
    );
  }
  for (const status of [401, 429, 500, 503]) {
    const refused = list(t, secrets, (folder) => (folder === 'hers/' ? status : undefined));
    await assert.rejects(refused, { code: 'PROVIDER_UNREACHABLE' });
  }
  await assert.rejects(
    list(t, secrets, () => 403),
    { code: 'PROVIDER_UNREACHABLE' },
  );
});

test('a token of Vault that ends in the middle of a listing takes no folder away', async (t) => {
  let hasEnded = false;
  const ending = list(t, ['a', 'hers/b', 'his/c'], (folder) => {
    hasEnded ||= folder === 'hers/';
    return hasEnded ? 403 : undefined;
  });
  await assert.rejects(ending, { code: 'PROVIDER_UNREACHABLE' });
});
