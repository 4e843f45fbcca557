import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { latchkeyConfigSchema } from '#shared/contracts/latchkey-config.ts';

const root = join(import.meta.dirname, '../..');
const readme = await readFile(join(root, 'README.md'), 'utf8');

test('the configuration in the README is valid, and its values are the defaults', () => {
  const shown: unknown = parse(/```yaml\n(.*?)```/s.exec(readme)?.[1] ?? '');
  assert.deepEqual(latchkeyConfigSchema.parse(shown), latchkeyConfigSchema.parse({}));
});

test('every npm script and every file that the README names exists', async () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  for (const [, script = ''] of readme.matchAll(/npm run (?:-s )?([a-z:-]+)/g))
    assert.ok(scripts[script], script);
  for (const [, path = ''] of readme.matchAll(/\]\(((?!https?:)[^)]+)\)/g)) await readFile(join(root, path));
});

test('the explain command of the README admits its example and names both managers', async () => {
  const [, args = ''] = /npm run -s latchkey -- (explain --config .*)/.exec(readme) ?? [];
  const { stdout } = await promisify(execFile)(process.execPath, ['cli/main.ts', ...args.split(' ')], {
    cwd: root,
  });
  for (const shown of ['k8s', 'global', 'DB_PASSWORD', 'latchkey-global-'])
    assert.ok(stdout.includes(shown), shown);
});
