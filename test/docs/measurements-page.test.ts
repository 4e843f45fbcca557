import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/measurements.md'), 'utf8');

/** The commands that a table has rows of, in its order. */
const rowsOf = (prefix: string): string[] =>
  Array.from(page.matchAll(new RegExp(`^\\| \`${prefix}(bench:[a-z-]+)\` `, 'gm')), ([, name = '']) => name);

test('the page of measurements names every command that there is, and no other', async () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(
    await readFile(join(root, 'package.json'), 'utf8'),
  );
  const made = Object.keys(scripts).filter((name) => name.startsWith('bench:'));
  assert.deepEqual(rowsOf('npm run ').toSorted(), made.toSorted());
});

test('the latest figures have a row for each of them, with a target and what was measured', () => {
  const figures = page.slice(page.indexOf('## Latest figures'));
  assert.deepEqual(rowsOf(''), rowsOf('npm run '));
  for (const [row] of figures.matchAll(/^\| `bench:.*$/gm)) {
    const [, , target = '', measured = ''] = row.split('|').map((cell) => cell.trim());
    assert.ok(target !== '' && measured !== '', row);
  }
});

test('every file that the page of measurements names exists', async () => {
  const files = Array.from(page.matchAll(/`((?:test|bench)\/[\w./-]+\.ts)`/g), ([, file = '']) => file);
  assert.notEqual(files.length, 0);
  for (const file of files) await readFile(join(root, file));
});
