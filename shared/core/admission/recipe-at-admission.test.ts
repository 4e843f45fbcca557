import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { recipeFileSchema } from '#shared/contracts/rules/recipe-file.ts';
import { createOfflineRules, inventorySchema } from '#shared/managers/chain/offline-rules.ts';
import { customManager } from '#shared/managers/custom/custom-manager.ts';
import { aPod, aReview } from '#testkit/pods/a-pod.ts';
import { type Admission, admitReview } from './admit.ts';

const config = latchkeyConfigSchema.parse({ chain: ['own'], custom: { own: 'own.yaml' } });

/** What becomes of a pod that asks for `group/key` under a recipe with these edits that nobody has checked. */
function admit(mount: 'env' | 'file', edits: object[], ask: object = {}, fields: object = {}): Admission {
  const recipe = recipeFileSchema.parse({
    description: 'secret "${group}"',
    fields,
    mounts: { accepts: [mount], any: mount },
    lookup: ['${group}'],
    edits: { [mount]: edits },
  });
  const rules = createOfflineRules(config, [customManager('own', recipe)])(inventorySchema.parse({}), 'ns');
  return admitReview(aReview(aPod({ asks: [{ group: 'group', key: 'key', ...ask }] })), rules);
}

test('a request for which the edits bring no secret is denied instead of admitted without it', () => {
  const conditional = [{ env: { name: '${envVar}', value: 'x' }, when: 'envVar' }];
  const setting = { env: { name: 'FLYTE_SECRETS_ENV_PREFIX', value: '_FSEC_' } };
  for (const edits of [conditional, [setting, ...conditional]]) {
    const { code, patch } = admit('env', edits);
    assert.deepEqual([code, patch], ['RULES_UNKNOWN', []]);
    assert.equal(admit('env', edits, { envVar: 'X' }).outcome, 'injected');
  }
});

test('a secret volume of which no item is left is denied, for it would show every key', () => {
  const items = [{ key: 'k', path: 'k', when: 'groupVersion' }];
  const volume = { name: 'v', secret: { secretName: 's', items, optional: false } };
  const edits = [{ volume }, { volumeMount: { name: 'v', mountPath: '/v' } }];
  const { code, patch } = admit('file', edits);
  assert.deepEqual([code, patch], ['RULES_UNKNOWN', []]);
  assert.equal(admit('file', edits, { groupVersion: 'v1' }).outcome, 'injected');
});

test('a path with a segment ".." is denied wherever a recipe puts it, and dots in a name are not', () => {
  const volume = (path: string): object => ({
    volume: { name: 'v', secret: { secretName: 's', items: [{ key: 'k', path }], optional: false } },
  });
  const mount = (mountPath: string): object => ({ volumeMount: { name: 'v', mountPath } });
  const pull = (mountPath: string): object => ({
    initContainer: { name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath }] },
  });
  const path = '${group|lower}/${key}';
  for (const edits of [
    [volume('k'), mount(`/v/${path}`)],
    [volume(path), mount('/v')],
    [volume('k'), mount('/v'), { file: { path: `/v/${path}`, source: 's' } }],
    [volume('k'), mount('/v'), pull(`/v/${path}`)],
  ]) {
    for (const ask of [{ group: '..' }, { key: '../x' }, { key: 'a/..' }]) {
      const { code, patch } = admit('file', edits, ask);
      assert.deepEqual([code, patch], ['NAME_IMPOSSIBLE', []]);
    }
    assert.equal(admit('file', edits, { group: 'a..b', key: '..data.' }).outcome, 'injected');
  }
});

test('a path that Linux or the kubelet would refuse is denied, with what is wrong with it', () => {
  const volume = (path: string, mountPath = '/v'): object[] => [
    { volume: { name: 'v', secret: { secretName: 's', items: [{ key: 'k', path }], optional: false } } },
    { volumeMount: { name: 'v', mountPath } },
  ];
  for (const [edits, key, fault] of [
    [volume('${key}'), 'k'.repeat(256), /a name in a path may have at most 255 bytes/],
    [volume('${key}'), 'é'.repeat(128), /a name in a path may have at most 255 bytes/],
    [volume('k', '/v/${key}'), 'k/'.repeat(2_047), /a path may have at most 4095 bytes/],
    [volume('${key}'), '..data', /may not begin with \\"\.\.\\"/],
    [volume('${key}'), '/x', /may not begin with \\"\/\\"/],
    [volume('k', '/${key}'), './/', /nothing can be mounted there/],
  ] as const) {
    const { code, patch, response } = admit('file', edits, { key });
    assert.deepEqual([code, patch], ['NAME_IMPOSSIBLE', []]);
    assert.match(JSON.stringify(response), fault);
  }
  for (const key of ['k'.repeat(255), 'é'.repeat(127), 'a..b', 'a/..b']) {
    assert.equal(admit('file', volume('${key}'), { key }).outcome, 'injected', key);
  }
});

test('a variable or an annotation to which a recipe gives no name, or one too long, is denied: no pod could be created with it', () => {
  for (const edits of [
    [{ env: { name: '${envVar}', value: 'x' } }, { env: { name: 'A', value: 'y' } }],
    [{ annotation: { name: '${envVar}', value: 'x' } }, { env: { name: 'A', value: 'y' } }],
    [{ annotation: { name: 'a'.repeat(318), value: 'x' } }, { env: { name: 'A', value: 'y' } }],
  ]) {
    const { code, patch } = admit('env', edits);
    assert.deepEqual([code, patch], ['NAME_IMPOSSIBLE', []]);
  }
});

test('a recipe refuses a field that must be absent, and one that it does not read is warned of', () => {
  const edits = [{ env: { name: 'A', value: 'x' } }];
  const refused = admit('env', edits, {}, { group: { forbidden: true } });
  assert.deepEqual([refused.code, refused.patch], ['NAME_IMPOSSIBLE', []]);
  assert.match(JSON.stringify(refused.response), /group \\"group\\" may not be given/);
  assert.equal(admit('env', edits, { group: '' }, { group: { forbidden: true } }).outcome, 'injected');
  assert.deepEqual(admit('env', edits, {}, { key: {} }).warnings, [
    'group group of secret group/key is ignored by manager own',
  ]);
});
