import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');

const shared = ['contracts', 'core', 'certificates', 'runtime', 'bus', 'kubernetes', 'installation'].map(
  (folder) => `shared/${folder}`,
);

/** Layers, lowest first (docs/architecture.md, "Processes"): a file imports from its own folder or from those named here. */
const allowed: Record<string, readonly string[]> = {
  'shared/contracts': [],
  'shared/core': ['shared/contracts'],
  'shared/certificates': ['shared/contracts', 'shared/core'],
  'shared/runtime': ['shared/contracts', 'shared/core'],
  'shared/bus': ['shared/contracts', 'shared/core', 'shared/runtime'],
  'shared/kubernetes': ['shared/contracts', 'shared/core', 'shared/runtime'],
  'shared/installation': [
    'shared/contracts',
    'shared/core',
    'shared/certificates',
    'shared/runtime',
    'shared/kubernetes',
  ],
  services: shared,
  cli: shared,
};

/** Packages that one layer alone may import; the SDK of OpenTelemetry stands in one file. */
const owners: readonly { packages: RegExp; layer: string }[] = [
  { packages: /^@nats-io\//, layer: 'shared/bus' },
  { packages: /^@kubernetes\/client-node/, layer: 'shared/kubernetes' },
  { packages: /^node-forge$/, layer: 'shared/certificates' },
  { packages: /^@opentelemetry\/(?!api$)/, layer: 'shared/runtime/telemetry.ts' },
  { packages: /^@(aws-sdk|azure|google-cloud)\//, layer: 'services/resolver/providers' },
];

interface Import {
  from: string;
  to: string;
}

/** Static imports and re-exports, over several lines too, and dynamic imports of a literal. */
const importPattern = /(?:^(?:import|export)\s+(?:[\w*{}\s,$]+\sfrom\s+)?|\bimport\(\s*)'([^']+)'/gm;

const layerOf = (file: string): string =>
  Object.keys(allowed).find((layer) => file.startsWith(`${layer}/`)) ?? file;
const serviceOf = (file: string): string => file.split('/').slice(0, 2).join('/');

async function importsOf(pattern: string): Promise<Import[]> {
  const imports: Import[] = [];
  for await (const from of glob(pattern, { cwd: root })) {
    if (from.endsWith('.test.ts')) continue;
    const text = await readFile(join(root, from), 'utf8');
    for (const [, specifier = ''] of text.matchAll(importPattern)) {
      imports.push({ from, to: resolveImport(from, specifier) });
    }
  }
  return imports;
}

function resolveImport(from: string, specifier: string): string {
  if (specifier.startsWith('#')) return specifier.slice(1);
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(from), specifier));
  return specifier;
}

const imports = await importsOf('{shared,services,cli}/**/*.ts');
const isOwn = ({ to }: Import): boolean => /^[a-z]+\/.*\.(ts|json)$/.test(to);

test('the walk sees the imports', () => {
  assert.ok(imports.length > 100, `only ${imports.length} imports found`);
});

test('every import follows the layers', () => {
  const wrong = imports.filter((each) => {
    if (!isOwn(each)) return false;
    const [from, to] = [layerOf(each.from), layerOf(each.to)];
    return from !== to && !allowed[from]?.includes(to);
  });
  assert.deepEqual(wrong, []);
});

test('no service imports another', () => {
  const wrong = imports.filter(
    ({ from, to }) =>
      from.startsWith('services/') && to.startsWith('services/') && serviceOf(from) !== serviceOf(to),
  );
  assert.deepEqual(wrong, []);
});

test('NATS, the Kubernetes client, node-forge, the OpenTelemetry SDK and those of providers have one importer each', () => {
  const wrong = imports.filter(({ from, to }) =>
    owners.some(({ packages, layer }) => packages.test(to) && !from.startsWith(layer)),
  );
  assert.deepEqual(wrong, []);
});

test('whatever the image runs is a dependency, and lies in a folder that the image holds', async () => {
  const { dependencies }: { dependencies: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const dockerfile = await readFile(join(root, 'deploy/Dockerfile'), 'utf8');
  const missing = imports.filter((each) => {
    if (each.to.startsWith('node:')) return false;
    if (isOwn(each)) return !dockerfile.includes(`COPY ${each.to.split('/')[0]} `);
    const [scope = '', name = ''] = each.to.split('/');
    return dependencies[scope.startsWith('@') ? `${scope}/${name}` : scope] === undefined;
  });
  assert.deepEqual(missing, []);
});

test('main files wire and nothing else: at most 40 lines', async () => {
  for await (const file of glob('{services/*,cli}/main.ts', { cwd: root })) {
    const lines = (await readFile(join(root, file), 'utf8')).split('\n').length;
    assert.ok(lines <= 41, `${file} has ${lines} lines`);
  }
});
