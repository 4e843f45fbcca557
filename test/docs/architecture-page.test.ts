import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { rotationPhases } from '#shared/contracts/kubernetes/rotation-state.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const page = await read('docs/architecture.md');

/** The first capture of every match, each once; a pattern that matches nothing is a mistake of the test. */
function captures(text: string, pattern: RegExp): string[] {
  const found = [...new Set(Array.from(text.matchAll(pattern), ([, capture = '']) => capture))];
  assert.notEqual(found.length, 0, String(pattern));
  return found;
}

/** The text from a heading to the next one of its level. */
function section(heading: string): string {
  const [, text] = page.split(`\n## ${heading}\n`);
  assert.ok(text !== undefined, heading);
  return text.split('\n## ')[0] ?? '';
}

test('every path that the page names exists', async () => {
  const folders = 'services|shared|cli|deploy|docs|test|bench|tools';
  for (const path of captures(page, new RegExp(`\`((?:${folders})/[^\`\\s]*)\``, 'g'))) {
    await stat(join(root, path));
  }
});

test('every linked page and picture exists', async () => {
  for (const path of captures(page, /\]\(([^)#:]+)/g)) await stat(join(root, 'docs', path));
});

test('every name of the set protocol stands in the file that is given for it', async () => {
  const names = Array.from(page.matchAll(/`(\w+)` in `([\w./-]+\.ts)`/g));
  assert.notEqual(names.length, 0);
  for (const [, name = '', path = ''] of names) {
    assert.match(await read(path), new RegExp(`\\b${name}\\b`), `${name} in ${path}`);
  }
});

test('the answers of a manager are those of the code, all of them', async () => {
  const code = await read('shared/core/rules/manager-answer.ts');
  const union = /export type ManagerAnswer =([\s\S]*?);\n\n/.exec(code)?.[1] ?? '';
  assert.deepEqual(
    captures(section('Journey of an admission'), /^\| `(\w+)`/gm).toSorted(),
    captures(union, /kind: '(\w+)'/g).toSorted(),
  );
});

test('the states of the rotation are those of the code, in the table and in the picture', async () => {
  const states = [...rotationPhases];
  assert.deepEqual(captures(section('Rotation of the CA'), /^\| `(\w+)`/gm), states);
  assert.deepEqual(captures(await read('docs/rotation.svg'), /class="state"[^>]*>(\w+)</g), states);
});

test('every number beside a field of latchkey.yaml is its default', () => {
  const defaults: unknown = latchkeyConfigSchema.parse({});
  for (const shown of captures(page, /(`\w+(?:\.\w+)+` \(\d+\))/g)) {
    const [, field = '', value] = /`(.+)` \((.+)\)/.exec(shown) ?? [];
    const found = field.split('.').reduce<unknown>(memberOf, defaults);
    assert.equal(found, Number(value), field);
  }
});

const memberOf = (value: unknown, name: string): unknown =>
  Object.entries(value ?? {}).find(([key]) => key === name)?.[1];

test('every picture of the page follows the colour scheme of its reader', async () => {
  for (const path of captures(page, /\]\((\w[\w-]*\.svg)\)/g)) {
    assert.match(await read(`docs/${path}`), /@media \(prefers-color-scheme: dark\)/, path);
  }
});
