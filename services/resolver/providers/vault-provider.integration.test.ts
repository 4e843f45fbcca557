import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { aListing, mostAnswerBytes } from '#testkit/providers/a-listing.ts';
import type { Listing, Provider } from './provider.ts';
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
  const provider = await aVault(t, address);
  const leftOut: string[] = [];
  const leaveOut = (what: string, why: string): void => void leftOut.push(`${what}: ${why}`);
  return { found: await listed(provider, { leaveOut }), leftOut, asked };
}

/** The provider of a Vault at this address. */
async function aVault(t: TestContext, address: string, token = 'of-a-test'): Promise<Provider> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-vault-'));
  t.after(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, token);
  const config = { address, mounts: [{ path: 'secret', engine: 'kv2' }], auth: { tokenFile } };
  return createVaultProvider(
    latchkeyConfigSchema.parse({ vault: { provider: config } }).vault.provider,
    mostAnswerBytes,
  );
}

async function listed(provider: Provider, told: Partial<Listing> = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const { secret } of provider.listSecrets(aListing(told))) found.push(secret);
  return found;
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
  assert.deepEqual(asked, ['', 'team/', 'z/']);
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

/** A Vault that answers each LIST in these words, after what `before` waits for. */
async function startTalker(
  t: TestContext,
  answer: (folder: string) => string | Promise<string>,
  status = 200,
) {
  const server = createServer(async (request, response) => {
    const folder = decodeURIComponent(new URL(request.url ?? '', 'http://vault').pathname);
    const body = await answer(folder.replace(/^\/v1\/secret\/metadata\//, ''));
    response.writeHead(status, { 'content-type': 'text/html' }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return aVault(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

const keysAnswer = (...keys: string[]): string => JSON.stringify({ data: { keys } });

test('an answer of Vault that is no JSON is told by status, kind and length, and not by a word of it', async (t) => {
  const canary = 'hvs.CANARYTOKEN';
  for (const [status, body] of [
    [200, canary],
    [200, `{"data":{"keys":["${canary}"`],
    [200, JSON.stringify({ data: { keys: [{ canary }] } })],
    [502, `<html>${canary}</html>`],
  ] as const) {
    const provider = await startTalker(t, () => body, status);
    await assert.rejects(listed(provider), (error) => {
      assert.ok(error instanceof LatchkeyError && error.code === 'PROVIDER_UNREACHABLE');
      assert.match(
        error.message,
        new RegExp(`^Vault answered ${status} for secret/metadata/ with ${body.length} bytes of text/html`),
      );
      assert.doesNotMatch(JSON.stringify([error.message, error.fields, String(error.cause)]), /CANARY/);
      return true;
    });
  }
});

test('a token that Vault gave for a list is given back, also when the list is ended before it is complete', async (t) => {
  const ending = new AbortController();
  const revoked = Promise.withResolvers<string | undefined>();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://vault');
    if (pathname.endsWith('/login')) response.end(JSON.stringify({ auth: { client_token: 'given' } }));
    else if (pathname === '/v1/auth/token/revoke-self') {
      revoked.resolve(request.headers['x-vault-token']?.toString());
      response.writeHead(204).end();
    } else ending.abort();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-vault-'));
  t.after(() => rm(folder, { recursive: true }));
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, 'of-the-service-account');
  const provider = createVaultProvider(
    latchkeyConfigSchema.parse({
      vault: {
        provider: {
          address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          auth: { kubernetes: { role: 'latchkey', tokenFile } },
        },
      },
    }).vault.provider,
    mostAnswerBytes,
  );
  await assert.rejects(listed(provider, { signal: ending.signal }));
  assert.equal(await revoked.promise, 'given');
});

test('a refusal of Vault of any length is cut in the error', async (t) => {
  const errors = Array.from({ length: 1_000 }, () => 'x'.repeat(500));
  const provider = await startTalker(t, () => JSON.stringify({ errors }), 500);
  await assert.rejects(listed(provider), ({ message }: Error) => message.length < 500);
});

test('input 72: one folder of Vault with an answer of any length stays as it was, and the others are listed', async (t) => {
  const names = Array.from({ length: 100_000 }, (_, number) => `a-name-of-her-${number}`);
  const provider = await startTalker(t, (folder) =>
    folder === '' ? keysAnswer('a', 'hers/', 'his/') : keysAnswer(...(folder === 'hers/' ? names : ['b'])),
  );
  const kept: string[] = [];
  const found = await listed(provider, { keepFormer: (folder, why) => void kept.push(`${folder}: ${why}`) });
  assert.deepEqual(found, named(['a', 'his/b']));
  assert.equal(kept.length, 1);
  assert.match(
    kept[0] ?? '',
    /^secret\/data\/hers\/: Vault answered 200 .*more than 1048576 bytes.*limits\.managerMiB/,
  );
});

test('input 72: folders of Vault inside folders without end cost their own folder', async (t) => {
  const provider = await startTalker(t, (folder) =>
    folder === ''
      ? keysAnswer('a', 'endless/', 'his/')
      : keysAnswer(...(folder === 'his/' ? ['b'] : ['deeper/'])),
  );
  const leftOut: string[] = [];
  const found = await listed(provider, {
    leaveOut: (what, why) => void leftOut.push(`${what.length}: ${why}`),
  });
  assert.deepEqual(found, named(['a', 'his/b']));
  assert.equal(leftOut.length, 1);
  assert.match(leftOut[0] ?? '', /it lies below more than 64 folders/);
});

test('folders of Vault are asked for a few at a time, and always listed in one order', async (t) => {
  const folders = Array.from({ length: 40 }, (_, number) => `team-${number}/`);
  let [open, most, answered] = [0, 0, 0];
  const waiting: (() => void)[] = [];
  const provider = await startTalker(t, async (folder) => {
    if (folder === '') return keysAnswer(...folders);
    open += 1;
    most = Math.max(most, open);
    // The last of those that are asked for is answered first.
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (open === Math.min(8, folders.length - answered))
        for (const one of waiting.splice(0).reverse()) one();
    });
    open -= 1;
    answered += 1;
    return keysAnswer('x');
  });
  assert.deepEqual(await listed(provider), named(folders.map((folder) => `${folder}x`)));
  assert.equal(most, 8);
});

test('no word of a Vault token that no header can hold stands in the error', async (t) => {
  for (const token of ['hvs.CANARY\nsecond line', 'hvs.CANARY\u0001', 'hvs.CANARY\u20ac', ' ']) {
    const provider = await aVault(t, 'http://127.0.0.1:9', token);
    await assert.rejects(listed(provider), ({ message }: Error) => {
      assert.match(message, /token does not hold a Vault token: one line/);
      assert.doesNotMatch(message, /CANARY/);
      return true;
    });
  }
});
