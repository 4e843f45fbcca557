import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'CONTRIBUTING.md'), 'utf8');

test('every path that the page names exists', async () => {
  const paths = Array.from(
    page.matchAll(
      /(?:`|node --test )((?:bench|cli|deploy|docs|services|shared|test|testkit|tools)\b[\w./-]*|README\.md)[` ]/g,
    ),
    ([, path = '']) => path,
  );
  assert.ok(paths.length > 10);
  for (const path of paths) await stat(join(root, path));
});

test('every npm script that the page names exists', async () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const names = page.matchAll(/npm run ([a-z:]*[a-z])(?=[` ])/g);
  for (const [, name = ''] of names) assert.ok(scripts[name], name);
});
