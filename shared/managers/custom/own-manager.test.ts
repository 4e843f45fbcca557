import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import type { RecipeFile } from '#shared/contracts/rules/recipe-file.ts';
import { recipeFileSchema } from '#shared/contracts/rules/recipe-file.ts';
import { ownManager } from './own-manager.ts';

const recipe = (lookup: string): RecipeFile =>
  recipeFileSchema.parse({
    description: 'x',
    fields: {
      group: { required: true, format: 'dns1123-subdomain' },
      key: { required: true, format: 'dns1123-subdomain' },
    },
    mounts: { accepts: ['env'], any: 'env' },
    lookup: [lookup],
    edits: { env: [{ env: { name: 'X', value: '${group}' } }], file: [] },
  });

test('rules that a recipe makes one name of are refused with it, and not where its names have a border', () => {
  const rules = [
    { name: 'one', groups: ['team'], keys: ['a-token'] },
    { name: 'other', groups: ['team-a'], keys: ['token'] },
  ];
  const config = latchkeyConfigSchema.parse({
    chain: ['store'],
    custom: { store: 's.yaml' },
    policy: { rules },
  });
  const underscored = {
    ...config,
    policy: {
      ...config.policy,
      rules: [
        { name: 'one', groups: ['team'], keys: ['a_token'] },
        { name: 'other', groups: ['team_a'], keys: ['token'] },
      ],
    },
  };
  assert.throws(() => ownManager('store', recipe('${group}-${key}'), config), {
    code: 'CONFIG_INVALID',
    message: /rules "one" and "other" cannot be told apart: of manager "store" both name "team-a-token"/,
  });
  assert.throws(() => ownManager('store', recipe('${group}_${key}'), underscored), {
    code: 'CONFIG_INVALID',
  });
  assert.equal(ownManager('store', recipe('${group}/${key}'), config).name, 'store');
});
