import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..');

/** Loads every module that the program's main file does, and the provider where one is named. */
const program = `
import { registerHooks } from 'node:module';
const loaded = new Set();
const [base, ...modules] = process.argv.slice(1);
registerHooks({
  load(url, context, next) {
    loaded.add(url);
    return next(url, context);
  },
});
for (const module of modules) await import(base + module);
console.log(JSON.stringify([...loaded]));
`;

/** The files that a process has loaded once it has loaded these modules. */
async function loadedBy(...modules: string[]): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', program, `file://${root}/`, ...modules],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const urls: string[] = JSON.parse(stdout);
  assert.ok(urls.length >= modules.length);
  return urls;
}

/** The SDKs among them, by their npm scope. */
async function loadedSdks(...modules: string[]): Promise<string[]> {
  const urls = await loadedBy(...modules);
  const scopes = urls.flatMap(
    (url) => /node_modules\/(@aws-sdk|@azure|@google-cloud)\//.exec(url)?.[1] ?? [],
  );
  return [...new Set(scopes)];
}

test('gateway, discovery, cert-manager and a resolver without a provider load no SDK', async () => {
  const services = [
    'services/gateway/gateway.ts',
    'services/discovery/discovery.ts',
    'services/cert-manager/cert-manager.ts',
    'services/resolver/resolver.ts',
    'services/resolver/resolve-manager.ts',
    'services/resolver/providers/open-provider.ts',
    'services/resolver/providers/vault-provider.ts',
  ];
  assert.deepEqual(await loadedSdks(...services), []);
});

test('gateway and cert-manager load no manager, and nothing that applies a patch', async () => {
  const services = [
    'services/gateway/gateway.ts',
    'services/cert-manager/cert-manager.ts',
    'shared/service/run-service.ts',
  ];
  const urls = await loadedBy(...services);
  assert.deepEqual(
    urls.filter((url) => /\/shared\/(managers\/|core\/patch\/apply-patch)/.test(url)),
    [],
  );
});

for (const [manager, sdk] of [
  ['aws', '@aws-sdk'],
  ['gcp', '@google-cloud'],
  ['azure', '@azure'],
] as const) {
  test(`the resolver of ${manager} loads the SDK of ${sdk} and no other`, async () => {
    const provider = `services/resolver/providers/${manager}-provider.ts`;
    assert.deepEqual(await loadedSdks('services/resolver/resolver.ts', provider), [sdk]);
  });
}
