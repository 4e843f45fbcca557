import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { checkFields } from './field-check.ts';
import { compileRecipe } from './recipe.ts';

const rules = [
  {
    name: 'own',
    groups: ['secret/pay', 'https://kv.vault.azure.net/secrets/pay', 'db'],
    keys: ['pay'],
    namespaces: ['pay'],
  },
];
const config = latchkeyConfigSchema.parse({ policy: { rules } });
const caller = { namespace: 'other', serviceAccount: 'default' };
const variables = {
  ...{ group: 'secret/db', groupVersion: '', key: 'pass', envVar: '', namespace: 'pay' },
  ...{ versionedGroup: 'secret/db_', id: 'a1b2', entry: {} },
};
const otherSpelling: Readonly<Record<string, { name: string; asked: { group: string; key: string } }>> = {
  aws: { name: 'db:pay-AbC123', asked: { group: 'db', key: 'pay-AbC123' } },
  vault: { name: 'secret/data/pay/pay', asked: { group: 'secret/data/pay', key: 'pay' } },
  azure: {
    name: 'https://kv.vault.azure.net/certificates/pay',
    asked: { group: 'https://kv.vault.azure.net/certificates/pay', key: '' },
  },
};

test('a recipe of a resolver that does not write how its names are spelled is judged as one that does', () => {
  for (const [name, manager] of managers) {
    const { spelling, hiddenPrefixes, ...former } = manager.recipe(config);
    const [now, before] = [compileRecipe({ ...former, spelling, hiddenPrefixes }), compileRecipe(former)];
    assert.equal(before.spelling, now.spelling, name);
    assert.equal(before.displayName('env:A_B'), now.displayName('env:A_B'), name);
    const other = otherSpelling[name];
    if (other !== undefined)
      assert.equal(before.policy?.decide(other.name, caller, other.asked).allowed, false, name);
  }
});

test("a Vault recipe of a resolver that does not guard its annotations keeps a pod's own away as one that does", () => {
  const annotations = { 'vault.hashicorp.com/agent-inject-containers': 'main' };
  for (const vault of [{}, { annotations }]) {
    const recipe = managers.get('vault')?.recipe(latchkeyConfigSchema.parse({ vault }));
    const file = recipe?.edits.file.map((edit) => {
      if (!('annotation' in edit)) return edit;
      const { fixed: _, forbids: __, ...annotation } = edit.annotation;
      return { ...edit, annotation };
    });
    const [now, before] = [recipe, { ...recipe, edits: { env: [], file } }].map(compileRecipe);
    const edits = now?.edits.file(variables) ?? [];
    assert.ok(edits.some((edit) => 'annotation' in edit && edit.annotation.forbids?.length));
    assert.deepEqual(before?.edits.file(variables), edits);
  }
});

test('a Vault recipe of a resolver that does not say when it gives every field is judged as one that does', () => {
  const asked = ['', 'kv1', 'kv2', 'db'].flatMap((groupVersion) =>
    ['data', 'pass'].map((key) => ({ ...variables, groupVersion, key })),
  );
  for (const kvVersion of ['1', '2']) {
    const recipe = managers.get('vault')?.recipe(latchkeyConfigSchema.parse({ vault: { kvVersion } }));
    assert.ok(recipe);
    const { everyKey, ...former } = recipe;
    const [now, before] = [compileRecipe({ ...former, everyKey }), compileRecipe(former)];
    const told = asked.filter(now.asksEveryKey).map(({ groupVersion, key }) => `${groupVersion} ${key}`);
    assert.deepEqual(told, [...(kvVersion === '1' ? [' data'] : []), 'kv1 data', 'db data', 'db pass']);
    assert.deepEqual(asked.filter(before.asksEveryKey), asked.filter(now.asksEveryKey));
  }
});

test('an Azure recipe of a resolver that does not demand the name of the secret in group is held against one', () => {
  const recipe = managers.get('azure')?.recipe(config);
  assert.ok(recipe);
  const { leastSegments: _, ...group } = recipe.fields.group ?? {};
  const before = compileRecipe({ ...recipe, fields: { ...recipe.fields, group } });
  const request = { group: 'https://kv.vault.azure.net/secrets', groupVersion: 'pay', key: '', envVar: '' };
  const check = checkFields(before, { ...request, mountRequirement: 0 });
  assert.equal('code' in check && check.code, 'NAME_IMPOSSIBLE');
});

test('what a recipe says itself counts, whatever the name of its manager', () => {
  const own = managers.get('vault')?.recipe(latchkeyConfigSchema.parse({}));
  assert.equal(compileRecipe({ ...own, manager: 'own' }).spelling, 'vault-path');
  assert.equal(compileRecipe({ ...own, spelling: undefined, manager: 'own' }).spelling, undefined);
  const prefixed = compileRecipe({ ...own, manager: 'own', hiddenPrefixes: ['team:'] });
  assert.deepEqual(['team:a/b', 'a/team:b'].map(prefixed.displayName), ['a/b', 'a/team:b']);
});
