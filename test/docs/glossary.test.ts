import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/glossary.md'), 'utf8');
const rows = Array.from(
  page.matchAll(/^\| ([a-z ]+?) +\| ([A-Z].*?) +\| `([^`]+)` +\|$/gm),
  ([, word = '', meaning = '', file = '']) => ({ word, meaning, file }),
);

test('the glossary has at most 25 words, each once and in order', () => {
  assert.equal(rows.length, page.match(/^\| /gm)?.slice(2).length, 'a row of another form');
  assert.ok(rows.length > 0 && rows.length <= 25, `${rows.length} words`);
  const words = rows.map(({ word }) => word);
  assert.deepEqual(words, [...new Set(words)].toSorted());
});

test('each meaning is one sentence', () => {
  for (const { word, meaning } of rows) assert.match(meaning, /^[^.]+\.$/, word);
});

test('the file that is given for a word uses it', async () => {
  for (const { word, file } of rows) {
    const pattern = new RegExp(word.replace(' ', '[ -]?'), 'i');
    assert.ok(pattern.test(await readFile(join(root, file), 'utf8')), `${word} in ${file}`);
  }
});
