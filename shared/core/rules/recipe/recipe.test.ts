import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { type Recipe, recipeSchema } from '#shared/contracts/rules/rule-recipe.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { compileRecipe } from './recipe.ts';

function aRecipe(over: Partial<Recipe> = {}): Recipe {
  return {
    schema: 1,
    manager: 'm',
    description: 'secret "${group}"',
    scope: 'cluster',
    inventory: 'closed',
    fields: { group: { required: true } },
    mounts: { accepts: ['env'], any: 'env' },
    lookup: ['${group}'],
    edits: { env: [{ env: { name: 'A', value: 'b' } }], file: [] },
    ...over,
  };
}

test('a recipe says where it is wrong', () => {
  const wrong: [Partial<Recipe> | object, RegExp][] = [
    [{ schema: 2 }, /schema/],
    [{ mounts: { accepts: ['env'], any: 'file' } }, /mounts\.any/],
    [{ lookup: ['${nobody}'] }, /lookup\[0\]/],
    [{ edits: { env: [{ env: { name: '${nobody}', value: '' } }], file: [] } }, /edits\.env\[0\]\.env\.name/],
    [{ edits: { env: [{ shell: 'rm' }], file: [] } }, /edits/],
    [
      { edits: { env: [], file: [{ volumeMount: { name: 'v', mountPath: '/v', readOnly: true } }] } },
      /edits\.file\[0\]\.volumeMount\.name/,
    ],
    [{ fields: { group: { format: '^a+$' } } }, /fields\.group\.format/],
    [
      { edits: { env: [{ env: { name: 'A', value: '${entry.value}'.repeat(5) } }], file: [] } },
      /edits\.env: entry\.value is read 5 times, 4/,
    ],
  ];
  for (const [over, where] of wrong) {
    assert.throws(() => compileRecipe({ ...aRecipe(), ...over }), { code: 'RECIPE_INVALID', message: where });
  }
  for (const value of [null, 5, 'x', [], {}]) {
    assert.throws(() => compileRecipe(value), { code: 'RECIPE_INVALID' });
  }
});

test('a recipe has few lookups, each of few variables, for every request is judged by all of them', () => {
  compileRecipe(aRecipe({ lookup: Array.from({ length: 8 }, () => '${group}'.repeat(8)) }));
  for (const lookup of [Array.from({ length: 9 }, () => '${group}'), ['${group}'.repeat(9)]]) {
    assert.throws(() => compileRecipe(aRecipe({ lookup })), { code: 'RECIPE_INVALID', message: /lookup/ });
  }
});

test('input 79: a lookup that is longer than it may be is not looked into, whatever it holds', () => {
  const opened = '${'.repeat(500_000);
  for (const lookup of [opened, `${opened}|hash}`, '${group|hash}'.repeat(80_000)]) {
    const parsed = checkShape(recipeSchema, aRecipe({ lookup: Array.from({ length: 8 }, () => lookup) }));
    const complaints = parsed.error?.issues.map(({ code, path }) => `${code} ${path.join('.')}`);
    assert.deepEqual(
      complaints,
      Array.from({ length: 8 }, (_, index) => `too_big lookup.${index}`),
    );
  }
});

test('a lookup has no filter through which a rule of the policy would name nothing', () => {
  for (const filter of ['hash', 'base32', 'volumeName', 'lastSegment', 'upper|hash']) {
    assert.throws(() => compileRecipe(aRecipe({ lookup: [`\${group|${filter}}`] })), {
      code: 'RECIPE_INVALID',
      message: /lookup\.0: filter "[A-Za-z0-9]+" cannot stand in a lookup/,
    });
  }
  compileRecipe(aRecipe({ lookup: ['${group|trimEnd:/|upper}'] }));
});

test('a field of a later version is ignored, and its digest is the one that a gateway of that version tells', () => {
  const later = { ...aRecipe(), colour: 'blue' };
  assert.doesNotThrow(() => compileRecipe(later));
  const digest = createHash('sha256').update(JSON.stringify(later)).digest('hex');
  assert.equal(compileRecipe(later).digest, digest.slice(0, 8));
});

test('edits and items with a condition appear only for a request that has the field', () => {
  const name = '${group}';
  const items = [
    { key: 'k', path: 'k' },
    { key: 'k', path: '${groupVersion}/k', when: 'groupVersion' as const },
  ];
  const { edits } = compileRecipe(
    aRecipe({
      edits: {
        env: [{ env: { name: '${envVar}', value: '' }, when: 'envVar' }],
        file: [{ volume: { name, secret: { secretName: name, items, optional: false } } }],
      },
    }),
  );
  const variables = { group: 'g', groupVersion: '', key: 'k', envVar: '' };
  const derived = { namespace: 'n', versionedGroup: 'g_', id: '1', entry: {} };
  assert.deepEqual(edits.env({ ...variables, ...derived }), []);
  assert.deepEqual(edits.env({ ...variables, ...derived, envVar: 'X' }), [{ env: { name: 'X', value: '' } }]);
  const itemsOf = (groupVersion: string): unknown =>
    edits.file({ ...variables, ...derived, groupVersion }).map((edit) => 'volume' in edit && edit.volume);
  assert.deepEqual(itemsOf(''), [
    { name: 'g', secret: { secretName: 'g', items: [{ key: 'k', path: 'k' }], optional: false } },
  ]);
  assert.match(JSON.stringify(itemsOf('v')), /"path":"v\/k"/);
});

test('what is called "__proto__" in a recipe reaches no pod, and no prototype', () => {
  const odd = JSON.parse('{"__proto__":{"runAsUser":0},"a":{"__proto__":{"b":1},"c":2}}');
  const container = { name: 'pull', image: 'img', securityContext: odd };
  const volume = { name: 'v', csi: { driver: 'd', volumeAttributes: JSON.parse('{"__proto__":"x"}') } };
  const { edits } = compileRecipe(
    aRecipe({ edits: { env: [{ initContainer: container }, { volume }], file: [] } }),
  );
  const variables = { group: 'g', groupVersion: '', key: 'k', envVar: '', namespace: 'n', id: '1' };
  assert.deepEqual(edits.env({ ...variables, versionedGroup: 'g_', entry: {} }), [
    { initContainer: { ...container, securityContext: { a: { c: 2 } } } },
    { volume: { name: 'v', csi: { driver: 'd', volumeAttributes: {} } } },
  ]);
});

test('a recipe whose templates read more than any needs is refused', () => {
  const args = (count: number): object => ({
    initContainer: { name: 'p', image: 'i', args: ['${id}'.repeat(count)] },
  });
  const edits = (count: number): object => ({ edits: { env: Array(10).fill(args(count)), file: [] } });
  compileRecipe(aRecipe(edits(400)));
  assert.throws(() => compileRecipe(aRecipe(edits(600))), {
    code: 'RECIPE_INVALID',
    message: /read variables and filters more than 5000 times/,
  });
});

test('of very many faults the first are told, and how many more there are', () => {
  const env = Array.from({ length: 100 }, () => ({ shell: 'rm' }));
  assert.throws(() => compileRecipe({ ...aRecipe(), edits: { env, file: [] } }), {
    code: 'RECIPE_INVALID',
    message: /edits\.env\.0: .*edits\.env\.19: [^;]*; and 80 more$/,
  });
});
