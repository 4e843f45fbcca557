import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');

/** Files without a main export, and what they hold instead. */
const exceptions: Record<string, string> = {
  'shared/contracts/shapes/config-values.ts': 'schemas of single values, each on its own',
};

const declaration =
  /^export (?:abstract |async )*(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;

/** Names that a file declares and exports; none in a program that is only run. */
const exportsOf = (source: string): string[] =>
  Array.from(source.matchAll(declaration), ([, name = '']) => name);

const kebab = (name: string): string => name.replace(/(?<=[a-z0-9])[A-Z]/g, '-$&').toLowerCase();

/** Words of a name, each in the singular. */
const wordsOf = (name: string): string[] =>
  kebab(name)
    .split('-')
    .map((word) =>
      word
        .replace(/ies$/, 'y')
        .replace(/(?<=s|x|ch|sh)es$/, '')
        .replace(/(?<=[^s])s$/, ''),
    );

const isWithin = (words: readonly string[], others: readonly string[]): boolean =>
  words.every((word) => others.includes(word));

/** Tells whether one name has all words of the other: `pod-patch.ts` may export `patchPod`, `chain.ts` `decideChain`. */
function isNamedAfter(file: string, exported: string): boolean {
  const [words, others] = [wordsOf(basename(file, '.ts')), wordsOf(exported)];
  return isWithin(words, others) || isWithin(others, words);
}

test('a file is named after something that it exports', async () => {
  const wrong: Record<string, string> = {};
  let seen = 0;
  for await (const file of glob('{services,shared,cli,testkit,bench,tools}/**/*.ts', { cwd: root })) {
    if (file.endsWith('.test.ts') || basename(file) === 'main.ts') continue;
    seen++;
    const names = exportsOf(await readFile(join(root, file), 'utf8'));
    if (names.length > 0 && !names.some((name) => isNamedAfter(file, name))) wrong[file] = names.join(', ');
  }
  assert.ok(seen > 300, `only ${seen} files found`);
  assert.deepEqual(Object.keys(wrong).toSorted(), Object.keys(exceptions), JSON.stringify(wrong, null, 2));
});

test('order and plural are no difference, a missing word is', () => {
  assert.ok(isNamedAfter('shared/pod-patch.ts', 'patchPod'));
  assert.ok(isNamedAfter('shared/global-secrets.ts', 'GlobalSecret'));
  assert.ok(isNamedAfter('shared/chain.ts', 'decideChain'));
  assert.ok(!isNamedAfter('shared/served-everywhere.ts', 'notServing'));
});
