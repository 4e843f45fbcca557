import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { checkRecipe, loadRecipeFile, parseRecipe } from './recipe-file.ts';

const good = `description: secret "$\{group}"
fields:
  group: { required: true, format: path-segment }
mounts: { accepts: [env], any: env }
lookup: ["$\{group}"]
edits:
  env:
    - env: { name: "S_$\{group|upper}", value: x }
`;
const config = latchkeyConfigSchema.parse({});

/** `line field` of every fault of the good recipe with a part replaced. */
function faultsOf(from: string | RegExp, to: string): string[] {
  const text = good.replace(from, to);
  assert.notEqual(text, good);
  const checked = checkRecipe(text);
  return 'faults' in checked ? checked.faults.map(({ line, field }) => `${line} ${field}`) : [];
}

test('a good recipe is open unless it says otherwise, and needs no name', () => {
  const checked = checkRecipe(good);
  assert.ok('recipe' in checked);
  assert.deepEqual([checked.recipe.inventory, checked.recipe.edits.file], ['open', []]);
});

test('every fault has the line and the field that its author has to change', () => {
  assert.deepEqual(faultsOf('description:', 'descripton:'), ['1 description']);
  assert.deepEqual(faultsOf('required', 'requird'), ['3 fields.group.requird']);
  assert.deepEqual(faultsOf('path-segment', 'word'), ['3 fields.group.format']);
  assert.deepEqual(faultsOf('any: env', 'any: file'), ['4 mounts.any']);
  assert.deepEqual(faultsOf(/lookup: .*/, 'lookup: []'), ['5 lookup']);
  assert.deepEqual(faultsOf('value: x', 'valu: x'), ['8 edits.env[0].env']);
  assert.deepEqual(faultsOf('- env:', '- enw:'), ['8 edits.env[0]']);
  assert.deepEqual(faultsOf('group|upper', 'group|shout'), ['8 edits.env[0].env.name']);
  assert.deepEqual(faultsOf('value: x', `value: "$\{key}"`), ['8 edits.env[0].env.value']);
  assert.deepEqual(faultsOf('value: x }', 'value: x }\n      wen: envVar'), ['9 edits.env[0].wen']);
  assert.deepEqual(faultsOf('[env], any', '[env, file], any'), ['6 edits.file']);
  assert.deepEqual(faultsOf('fields:', 'inventory: closed\nfields:'), ['2 inventory']);
  assert.deepEqual(faultsOf('fields:', 'source: k8s\nfields:'), ['2 source']);
  assert.deepEqual(faultsOf('edits:', 'edits: {'), ['8 ', '9 ']);
});

test('a mount that names no volume of its list is told, in init containers too', () => {
  const mount = '    - volumeMount: { name: v, mountPath: /v }\n';
  assert.deepEqual(faultsOf(/$/, mount), ['9 edits.env[1].volumeMount.name']);
  const container =
    '    - initContainer: { name: c, image: i, volumeMounts: [{ name: v, mountPath: /v }] }\n';
  assert.deepEqual(faultsOf(/$/, container), ['9 edits.env[1].initContainer.volumeMounts[0].name']);
  const volume = '    - volume: { name: v, emptyDir: {} }\n';
  assert.deepEqual(faultsOf(/$/, `${volume}${mount}${container}`), []);
});

test('a mount that brings a secret only under a condition is told', () => {
  const conditional = ['7 edits.env'];
  assert.deepEqual(faultsOf('value: x }', 'value: x }\n      when: envVar'), conditional);
  assert.deepEqual(faultsOf(`"S_$\{group|upper}"`, 'FLYTE_SECRETS_ENV_PREFIX'), conditional);
  const volume = '- volume: { name: v, emptyDir: {} }';
  assert.deepEqual(faultsOf(/- env: .*/, volume), conditional);
  const mount = '    - volumeMount: { name: v, mountPath: /v }';
  assert.deepEqual(faultsOf(/- env: .*/, `${volume}\n      when: envVar\n${mount}`), conditional);
  assert.deepEqual(faultsOf(/- env: .*/, `${volume}\n${mount}`), []);
});

test('a secret volume whose items all have a condition is told', () => {
  const volume = (when: string): string =>
    `    - volume: { name: v, secret: { secretName: s, optional: false, items: [{ key: k, path: k${when} }] } }\n`;
  assert.deepEqual(faultsOf(/$/, volume(', when: envVar')), ['9 edits.env[1].volume.secret.items']);
  assert.deepEqual(faultsOf(/$/, volume('')), []);
});

test('a template that reads what no inventory says is told', () => {
  const value = (name: string): string => `value: "$\{entry.${name}}"`;
  const reading = (name: string, source: string): string[] => {
    const checked = checkRecipe(good.replace('fields:', `${source}fields:`).replace('value: x', value(name)));
    return 'faults' in checked ? checked.faults.map(({ line, field }) => `${line} ${field}`) : [];
  };
  const closed = (source: string): string => `inventory: closed\nsource: ${source}\n`;
  assert.deepEqual(reading('secretName', ''), ['8 edits.env[0].env.value']);
  assert.deepEqual(reading('secretName', closed('k8s')), ['10 edits.env[0].env.value']);
  assert.deepEqual(reading('value', closed('global')), ['10 edits.env[0].env.value']);
  assert.deepEqual(reading('secretName2', closed('global')), ['10 edits.env[0].env.value']);
  for (const name of ['secretName', 'secretKey']) assert.deepEqual(reading(name, closed('global')), []);
  assert.deepEqual(reading('secretKey|upper', closed('global')), []);
  assert.deepEqual(faultsOf(`description: secret "$\{group}"`, `description: $\{entry.secretName}`), [
    '1 description',
  ]);
});

test('all faults are told at once, in the order of the lines', () => {
  const broken = good
    .replace('required', 'requird')
    .replace('group|upper', 'group|shout')
    .replace('any: env', 'any: file');
  assert.throws(() => parseRecipe(broken, 'r.yaml', config), {
    code: 'RECIPE_INVALID',
    message:
      /r\.yaml:3: fields\.group\.requird: .*\nr\.yaml:4: mounts\.any: .*\nr\.yaml:8: edits\.env\[0\]\.env\.name: /,
  });
  for (const text of ['', '5', 'a: [', '[]', '--- {}\n--- {}', 'a: &x {b: *x}', '? [a]\n: 1', 'a: 1\na: 2']) {
    assert.throws(() => parseRecipe(text, 'r.yaml', config), {
      code: 'RECIPE_INVALID',
      message: /r\.yaml:\d+(?::\d+)?: /,
    });
  }
});

test('a closed recipe is refused where discovery would not say what exists', () => {
  const closed = (source: string): string =>
    good.replace('fields:', `inventory: closed\nsource: ${source}\nfields:`);
  const parse = (source: string, settings: object) =>
    parseRecipe(
      closed(source),
      'r.yaml',
      latchkeyConfigSchema.parse({ custom: { r: 'r.yaml' }, ...settings }),
    ).source;
  assert.equal(parse('k8s', {}), 'k8s');
  assert.equal(parse('global', {}), 'global');
  for (const [source, settings] of [
    ['k8s', { k8s: { inventory: 'open' } }],
    ['k8s', { chain: ['global', 'r'] }],
    ['global', { global: { delivery: 'inline' } }],
    ['global', { chain: ['r'] }],
  ] as const) {
    assert.throws(() => parse(source, settings), { code: 'RECIPE_INVALID', message: /^r\.yaml: source: / });
  }
});

test('a recipe that is not there says where it was looked for', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-recipe-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'r.yaml');
  await assert.rejects(loadRecipeFile(path, config), { code: 'RECIPE_INVALID', message: /r\.yaml/ });
  await writeFile(path, good);
  assert.equal((await loadRecipeFile(path, config)).inventory, 'open');
});
