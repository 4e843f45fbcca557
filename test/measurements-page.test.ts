import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '..');
const page = await readFile(join(root, 'docs/measurements.md'), 'utf8');

test('the page of measurements names every command that there is, and no other', async () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const named = Array.from(page.matchAll(/^\| `npm run (bench:[a-z-]+)` /gm), ([, name = '']) => name);
  const made = Object.keys(scripts).filter((name) => name.startsWith('bench:'));
  assert.deepEqual(named.sort(), made.sort());
});

test('every file that the page of measurements names exists', async () => {
  const files = Array.from(page.matchAll(/`((?:test|bench)\/[\w./-]+\.ts)`/g), ([, file = '']) => file);
  assert.notEqual(files.length, 0);
  for (const file of files) await readFile(join(root, file));
});
