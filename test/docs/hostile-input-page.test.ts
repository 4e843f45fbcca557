import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/hostile-input.md'), 'utf8');
const rows = Array.from(
  page.matchAll(/^\| +(\d+) +\|.*\| +`([^`|]+)` +\|$/gm),
  ([, number = '', file = '']) => ({ number: Number(number), file }),
);

test('the page has every numbered input, each once', () => {
  const range = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, index) => from + index);
  const expected = [...range(1, 27), ...range(56, 79), ...range(46, 55)];
  assert.deepEqual(
    rows.map(({ number }) => number),
    expected,
  );
});

test('each input has a test of its number in the file that the page names', async () => {
  for (const { number, file } of rows) {
    const tests = await readFile(join(root, file), 'utf8');
    assert.match(tests, new RegExp(`test\\(\\s*['"\`]input ${number}: `), `input ${number} in ${file}`);
  }
});
