import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');

/**
 * Rooms, lowest first (docs/architecture.md, "Processes"): a file imports from its own room and from those named here; a
 * name stands for the rooms inside it too.
 */
const rooms: Record<string, readonly string[]> = {
  'shared/contracts/shapes': [],
  'shared/contracts/bus': [],
  'shared/contracts/config': ['shared/contracts/shapes'],
  'shared/contracts/inventory': ['shared/contracts/shapes', 'shared/contracts/bus'],
  'shared/contracts/rules': ['shared/contracts/shapes', 'shared/contracts/bus', 'shared/contracts/config'],
  'shared/contracts/kubernetes': ['shared/contracts/bus'],
  'shared/contracts': [],
  'shared/core/text': ['shared/contracts'],
  'shared/core/bounds': ['shared/contracts', 'shared/core/text'],
  'shared/core/flyte': ['shared/contracts', 'shared/core/text', 'shared/core/bounds'],
  'shared/core/rules/template': [
    'shared/contracts',
    'shared/core/text',
    'shared/core/bounds',
    'shared/core/flyte',
  ],
  'shared/core/rules/policy': [
    'shared/contracts',
    'shared/core/text',
    'shared/core/bounds',
    'shared/core/flyte',
    'shared/core/rules/template',
  ],
  'shared/core/rules/recipe': [
    'shared/contracts',
    'shared/core/text',
    'shared/core/bounds',
    'shared/core/flyte',
    'shared/core/rules/template',
    'shared/core/rules/policy',
  ],
  'shared/core/rules/index': [
    'shared/contracts',
    'shared/core/text',
    'shared/core/bounds',
    'shared/core/flyte',
    'shared/core/rules/recipe',
  ],
  'shared/core/rules': [
    'shared/contracts',
    'shared/core/text',
    'shared/core/bounds',
    'shared/core/flyte',
    'shared/core/rules',
  ],
  'shared/core/patch': [
    'shared/contracts',
    'shared/core/text',
    'shared/core/bounds',
    'shared/core/flyte',
    'shared/core/rules',
  ],
  'shared/core/admission': [
    'shared/contracts',
    'shared/core/text',
    'shared/core/bounds',
    'shared/core/flyte',
    'shared/core/rules',
    'shared/core/patch',
  ],
  'shared/certificates': ['shared/contracts'],
  'shared/runtime': ['shared/contracts', 'shared/core'],
  'shared/managers/shipped': ['shared/contracts', 'shared/core'],
  'shared/managers/chain': ['shared/contracts', 'shared/core', 'shared/runtime', 'shared/managers/shipped'],
  'shared/managers/custom': [
    'shared/contracts',
    'shared/core',
    'shared/runtime',
    'shared/managers/shipped',
    'shared/managers/chain',
  ],
  'shared/managers': ['shared/contracts', 'shared/core', 'shared/managers'],
  'shared/config': ['shared/contracts', 'shared/core', 'shared/runtime'],
  'shared/bus/link': ['shared/contracts', 'shared/core/text', 'shared/runtime', 'shared/config'],
  'shared/bus/records': ['shared/contracts', 'shared/core/text', 'shared/runtime', 'shared/bus/link'],
  'shared/bus/publish': ['shared/contracts', 'shared/runtime', 'shared/bus/link', 'shared/bus/records'],
  'shared/bus/read': ['shared/contracts', 'shared/runtime', 'shared/bus/link', 'shared/bus/records'],
  'shared/bus/snapshot': ['shared/contracts', 'shared/runtime', 'shared/bus/records'],
  'shared/kubernetes/requests': ['shared/contracts', 'shared/core/text', 'shared/runtime'],
  'shared/kubernetes/reflector': ['shared/contracts', 'shared/runtime', 'shared/kubernetes/requests'],
  'shared/kubernetes/objects': [
    'shared/contracts',
    'shared/kubernetes/requests',
    'shared/kubernetes/reflector',
  ],
  'shared/kubernetes/election': ['shared/contracts', 'shared/runtime', 'shared/kubernetes/requests'],
  'shared/service': ['shared/contracts', 'shared/runtime', 'shared/config', 'shared/kubernetes'],
  'shared/installation': ['shared/contracts', 'shared/core', 'shared/certificates', 'shared/kubernetes'],

  'services/gateway/tls': ['shared'],
  'services/gateway/http': ['shared', 'services/gateway/tls'],
  'services/gateway/rules': ['shared'],
  'services/gateway/workers': [
    'shared',
    'services/gateway/tls',
    'services/gateway/http',
    'services/gateway/rules',
  ],
  'services/gateway': ['shared', 'services/gateway'],
  'services/gateway/worker': ['shared', 'services/gateway'],
  'services/cert-manager/decide': ['shared/contracts'],
  'services/cert-manager/observe': ['shared', 'services/cert-manager/decide'],
  'services/cert-manager/apply': ['shared', 'services/cert-manager/decide', 'services/cert-manager/observe'],
  'services/cert-manager': ['shared', 'services/cert-manager'],
  'services/discovery/inventory': ['shared'],
  'services/discovery/kubernetes': ['shared', 'services/discovery/inventory'],
  'services/discovery/copies': ['shared', 'services/discovery/kubernetes'],
  'services/discovery/globals': [
    'shared',
    'services/discovery/inventory',
    'services/discovery/kubernetes',
    'services/discovery/copies',
  ],
  'services/discovery/snapshot': ['shared'],
  'services/discovery': ['shared', 'services/discovery'],
  'services/resolver/providers': ['shared/contracts', 'shared/core/text', 'shared/runtime'],
  'services/resolver': ['shared', 'services/resolver'],

  cli: ['shared'],
  deploy: ['shared'],
  tools: ['shared', 'cli'],
  testkit: ['shared', 'services', 'cli', 'deploy', 'tools'],
  bench: ['shared', 'testkit', 'tools'],
  test: ['shared', 'services', 'cli', 'deploy', 'tools', 'testkit', 'bench'],
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

const innermostFirst = Object.keys(rooms).sort((left, right) => right.length - left.length);
const roomOf = (file: string): string => innermostFirst.find((room) => file.startsWith(`${room}/`)) ?? file;
const serviceOf = (file: string): string => file.split('/').slice(0, 2).join('/');
const isIn = (room: string, outer: string): boolean => room === outer || room.startsWith(`${outer}/`);

/** A test beside the code may use the test kit, and what its room must not know: those who use it. Nothing imports tests. */
const testAllowed = (room: string): readonly string[] =>
  room === 'test' ? (rooms.test ?? []) : ['shared', 'services', 'cli', 'deploy', 'tools', 'testkit'];

async function importsOf(pattern: string): Promise<Import[]> {
  const imports: Import[] = [];
  for await (const from of glob(pattern, { cwd: root })) {
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

const all = await importsOf('{shared,services,cli,deploy,tools,testkit,bench,test}/**/*.ts');
const isTest = ({ from }: Import): boolean => from.endsWith('.test.ts');
const imports = all.filter((each) => /^(shared|services|cli)\//.test(each.from) && !isTest(each));
const isOwn = ({ to }: Import): boolean => /^[a-z]+\/.*\.(ts|json)$/.test(to);

/** Says what is wrong with an import, and what to do about it; nothing when all is well. */
function roomFault(each: Import): string[] {
  const [room, target] = [roomOf(each.from), roomOf(each.to)];
  if (room === target) return [];
  const allowed = isTest(each) ? testAllowed(room) : rooms[room];
  if (allowed === undefined) return [`${each.from} is in no room: add its folder to \`rooms\``];
  if (allowed.some((outer) => isIn(target, outer))) return [];
  const names = allowed.join(', ') || 'no other room';
  return [`${each.from} (room ${room}) may import ${names}; not ${each.to}`];
}

test('the walk sees the imports', () => {
  assert.ok(imports.length > 100, `only ${imports.length} imports found`);
});

test('every import follows the rooms', () => {
  assert.deepEqual(all.filter(isOwn).flatMap(roomFault), []);
});

test('rooms name no room above their own, so that there is no way round', () => {
  const order = Object.keys(rooms);
  for (const [room, named] of Object.entries(rooms)) {
    const later = named.filter((outer) => !isIn(room, outer) && order.indexOf(outer) > order.indexOf(room));
    assert.deepEqual(later, [], room);
  }
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
