import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { recipeFileSchema } from '#shared/contracts/rules/recipe-file.ts';
import { fieldFormats, requestFields } from '#shared/contracts/rules/rule-recipe.ts';
import { admitReview } from '#shared/core/admission/admit.ts';
import { applyPatch } from '#shared/core/patch/apply-patch.ts';
import { templateNames } from '#shared/core/rules/template/template.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { customManager } from '#shared/managers/custom/custom-manager.ts';
import { loadRecipeFile } from '#shared/managers/custom/recipe-file.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/recipes.md'), 'utf8');
const config = latchkeyConfigSchema.parse({ chain: ['own'], custom: { own: 'own.yaml' } });

async function run(...args: string[]): Promise<{ code: number; shown: string }> {
  const { code, output, errors } = await runLatchkey(args);
  return { code, shown: output + errors };
}

/** The blocks of one language that the page shows, in its order, without their indentation. */
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^( *)\`\`\`${language}\\n(.*?)^ *\`\`\`$`, 'gms'))].map(
    ([, indent = '', block = '']) => block.replace(new RegExp(`^${indent}`, 'gm'), ''),
  );

/** First column of the table under a header. */
function column(header: string): string[] {
  const [, rows = ''] =
    new RegExp(`^\\| ${header} +\\|.*\\n\\|[- |]+\\n((?:\\|.*\\n)+)`, 'm').exec(page) ?? [];
  return [...rows.matchAll(/^\| `([^`]+)`/gm)].map(([, name = '']) => name).sort();
}

test('the page names every field, format, filter, variable and edit, and none that there is not', () => {
  assert.deepEqual(column('field'), Object.keys(recipeFileSchema.shape).sort());
  assert.deepEqual(column('format'), [...fieldFormats].sort());
  assert.deepEqual(column('filter'), [...templateNames.filters].sort());
  const derived = [...templateNames.variables].filter(
    (name) => !requestFields.some((field) => field === name),
  );
  assert.deepEqual(column('variable'), ['group', ...derived, 'entry.<name>'].sort());
  for (const field of requestFields) assert.ok(page.includes(`\`${field}\``), field);
  const edits = recipeFileSchema.shape.edits.shape.env.unwrap().element.options;
  const nouns = edits
    .flatMap(({ shape }) => Object.keys(shape))
    .filter((name) => !['when', 'os', 'position'].includes(name));
  assert.deepEqual(column('edit'), nouns.sort());
  const [rule] = Object.values(recipeFileSchema.shape.fields.parse({ key: {} }));
  const rules = [
    'required',
    'forbidden',
    'format',
    'alsoHolds',
    'leadingSlash',
    'leastSegments',
    'maxLength',
    'forbiddenPrefixes',
  ];
  assert.deepEqual(column('rule'), [...rules].sort());
  assert.ok(Object.keys(rule ?? {}).every((name) => rules.includes(name)));
});

test('the worked example does what the page shows', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-recipes-'));
  t.after(() => rm(folder, { recursive: true }));
  const names = ['store.yaml', 'latchkey.yaml', 'inventory.yaml', 'pod.yaml'];
  const [recipe = '', latchkey = '', inventory = '', pod = ''] = names.map((name) => join(folder, name));
  for (const [index, name] of names.entries())
    await writeFile(join(folder, name), blocks('yaml')[index] ?? '');
  const [check, explanation] = blocks('text');
  assert.deepEqual(await run('recipe', 'check', recipe), { code: 0, shown: check });
  const explain = ['explain', '--config', latchkey, '--inventory', inventory, pod];
  const { code, shown } = await run(...explain);
  assert.deepEqual(
    { code, shown: withoutIndentation(shown) },
    { code: 0, shown: withoutIndentation(explanation) },
  );
});

/** An empty line has no indentation on the page, a changed one has its sign first. */
const withoutIndentation = (shown = ''): string => shown.replace(/[ \t]+$/gm, '').trimEnd();

test('the command names every fault with its line, as text and as JSON', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-recipes-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'wrong.yaml');
  await writeFile(
    file,
    (blocks('yaml')[0] ?? '').replace('dns1123-subdomain', 'dns').replace('any: env', 'any: nowhere'),
  );
  const { code, shown } = await run('recipe', 'check', file);
  assert.equal(code, 1);
  assert.match(shown, /^\S+wrong\.yaml:3: fields\.group\.format: .*\n\S+wrong\.yaml:6: mounts\.any: .*\n$/);
  const asJson = await run('recipe', 'check', '--json', file);
  const { valid, faults } = JSON.parse(asJson.shown) as {
    valid: boolean;
    faults: { line: number; field: string }[];
  };
  assert.deepEqual([asJson.code, valid, faults.map(({ line }) => line)], [1, false, [3, 6]]);
  assert.equal((await run('recipe', 'check')).code, 2);
  assert.equal((await run('recipe', 'check', join(folder, 'absent.yaml'))).code, 1);
});

const hostile = [
  '..',
  '/',
  '$(id)',
  `$\{HOME}`,
  '"',
  "'",
  '\\',
  '\n',
  ' ',
  ';',
  '{{',
  '#',
  ':',
  'é',
  '-',
  '.',
  '%',
  ',',
];
const pieces = fc.string({ unit: fc.constantFrom('a', 'Db', '7', '_x', ...hostile), maxLength: 4 });
const version = fc.oneof(fc.constant(''), pieces);
const word = fc.oneof(pieces, fc.constantFrom('team', 'api-key', 'secret/data/team'));

/** What the parts of the pod that hold a task author's text may look like. */
const places: Record<string, RegExp> = {
  'aws-secrets-store-csi.yaml':
    /^(?!.*\/\.\.)(csi-[0-9a-f]{16}|[-a-z0-9.]+|[A-Z_]+|\/etc\/flyte\/secrets(\/[-._A-Za-z0-9]+){0,2}|)$/,
  'bank-vaults.yaml':
    /^(?!.*\/\.\.)(vault:[-._A-Za-z0-9/]+#[-._A-Za-z0-9]+(#[-._A-Za-z0-9]+)?|_FSEC_[-._A-Z0-9/]*|[A-Z_]+)$/,
  'confidant.yaml':
    /^(?!.*\/\.\.)(confidant-secret-vol|https:\/\/confidant\.example\.com|alias\/authnz-production|[-._A-Za-z0-9]+|\/etc\/flyte\/secrets(\/[-._A-Za-z0-9]+){0,2}|)$/,
};

for (const file of await readdir(join(root, 'deploy/recipes'))) {
  test(`nothing in a request escapes its place in what ${file} makes of a pod, and a second pass changes nothing`, async () => {
    const recipe = await loadRecipeFile(join(root, 'deploy/recipes', file), config);
    const rules = createOfflineRules(config, [customManager('own', recipe)])(inventorySchema.parse({}), 'ns');
    let injected = 0;
    fc.assert(
      fc.property(fc.record({ group: word, key: word, groupVersion: version }), (ask) => {
        const pod = aPod({ asks: [{ ...ask, envVar: 'X' }] });
        const { outcome, patch } = admitReview(aReview(pod), rules);
        if (outcome !== 'injected') return assert.deepEqual(patch, []);
        injected++;
        applyPatch(pod, patch);
        for (const place of writtenBy(pod)) assert.match(place, places[file] ?? /^$/);
        assert.deepEqual(admitReview(aReview(pod), rules).patch, []);
      }),
      propertyRuns,
    );
    assert.ok(injected > propertyRuns.numRuns / 100, `only ${injected} requests were served`);
  });
}

interface Container {
  env?: { name: string; value: string }[];
  volumeMounts?: { mountPath: string }[];
}

interface Injected {
  spec: {
    volumes?: { name: string; csi?: { volumeAttributes: { secretProviderClass: string } } }[];
    initContainers?: Container[];
    containers: Container[];
  };
}

function writtenBy(pod: object): string[] {
  const { volumes = [], initContainers = [], containers } = (pod as Injected).spec;
  return [
    ...volumes.flatMap(({ name, csi }) => [name, csi?.volumeAttributes.secretProviderClass ?? '']),
    ...[...initContainers, ...containers].flatMap(({ env = [], volumeMounts = [] }) => [
      ...env.flatMap(({ name, value }) => [name, value]),
      ...volumeMounts.map(({ mountPath }) => mountPath),
    ]),
  ];
}
