import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { glob, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const excluded = new Set(['node_modules', 'golden', 'package-lock.json']);

interface TextFile {
  file: string;
  text: string;
}

async function textsOf(...patterns: string[]): Promise<TextFile[]> {
  const texts: TextFile[] = [];
  for await (const file of glob(patterns, { cwd: root, exclude: (name) => excluded.has(name) })) {
    texts.push({ file, text: await readFile(join(root, file), 'utf8') });
  }
  return texts;
}

/** A comment or a paragraph that goes on in the next line is one line here. */
const unwrapped = (text: string): string => text.replaceAll(/\n[ \t]*(?:\*|\/\/|#)?[ \t]*/g, ' ');

const sources = await textsOf('**/*.{ts,mjs,go,py}', '**/Dockerfile');
const pages = await textsOf('**/*.md');
const manifests = await textsOf('**/*.{yaml,yml,conf}', '*.json');
const references = pages.filter(({ file }) => file.startsWith('docs/reference/'));
const decisions = pages.filter(({ file }) => /^docs\/decisions\/\d/.test(file));
const index = pages.find(({ file }) => file === 'docs/decisions/README.md')?.text ?? '';

/** Numbers of the facts of a page. */
const numbersOf = ({ text }: TextFile): string[] =>
  Array.from(text.matchAll(/^### ([CFL]\d+): /gm), ([, number = '']) => number);
const known = new Map(references.map((page) => [page.file, numbersOf(page)]));
const allNumbers = new Set([...known.values()].flat());

test('every page that a comment, a page or a manifest names exists', () => {
  /** Not a part of a URL, and not `md` as a member of something. */
  const named = /(?<![\w./-])[\w./-]*[\w-]\.md\b(?!\.\w)/g;
  const missing = [...sources, ...pages, ...manifests].flatMap(({ file, text }) =>
    (text.match(named) ?? [])
      .filter((page) => !existsSync(join(root, page)) && !existsSync(join(root, dirname(file), page)))
      .map((page) => `${file}: ${page}`),
  );
  assert.deepEqual(missing, []);
});

test('each fact has a number of its own, and tells its source and what relies on it', () => {
  assert.equal(references.length, 3);
  for (const { file, text } of references) {
    const facts = text.split(/^### /m).slice(1);
    assert.ok(facts.length > 5, file);
    for (const fact of facts) {
      assert.match(
        fact,
        /^[CFL]\d+: .*\n\n.*^- Source: .*^- Relied on by: /ms,
        `${file}: ${fact.slice(0, 40)}`,
      );
    }
  }
  assert.equal(allNumbers.size, [...known.values()].flat().length);
});

test('every number of a fact that is cited is on the page that is named with it', () => {
  const citation = /(docs\/reference\/[\w-]+\.md)`? ([CFL]\d+(?:(?:,| and) [CFL]\d+)*)/g;
  let count = 0;
  for (const { file, text } of [...sources, ...pages]) {
    for (const [, page = '', numbers = ''] of unwrapped(text).matchAll(citation)) {
      for (const number of numbers.split(/, | and /)) {
        assert.ok(known.get(page)?.includes(number), `${file} cites ${page} ${number}`);
        count += 1;
      }
    }
  }
  assert.ok(count > 20, `only ${count} citations found`);
});

test('a number without its page is one of them all the same', () => {
  for (const { file, text } of sources) {
    for (const [number] of text.matchAll(/\bC\d{1,2}\b/g))
      assert.ok(allNumbers.has(number), `${file}: ${number}`);
  }
  for (const { file, text } of [...references, ...decisions]) {
    for (const [number] of text.matchAll(/\b[CFL]\d{1,2}\b/g)) {
      assert.ok(allNumbers.has(number), `${file}: ${number}`);
    }
  }
});

test('the index has a line for every decision, and for no other, in order', () => {
  const lines = Array.from(
    index.matchAll(/^- \[(\d{4})\]\((\1-[\w-]+\.md)\): \S/gm),
    ([, , page = '']) => page,
  );
  assert.deepEqual(lines, decisions.map(({ file }) => file.slice('docs/decisions/'.length)).toSorted());
});

test('each decision has its number, a status and the sections, in order', () => {
  for (const [at, { file, text }] of decisions.toSorted((a, b) => a.file.localeCompare(b.file)).entries()) {
    assert.ok(text.startsWith(`# ${at + 1}. `), file);
    assert.match(text, /^Status: (accepted|superseded by \d{4})/m, file);
    const sections = Array.from(text.matchAll(/^## (.*)$/gm), ([, name]) => name);
    assert.deepEqual(sections, ['Context', 'Decision', 'Alternatives tried', 'Consequences'], file);
  }
});

test('every path in backquotes on these pages exists', async () => {
  const top = new Set(await readdir(root));
  const paths = [...references, ...decisions].flatMap(({ file, text }) =>
    Array.from(text.matchAll(/`([\w.-]+(?:\/[\w.-]+)*)`/g), ([, path = '']) => ({ file, path })).filter(
      ({ path }) => top.has(path.split('/')[0] ?? ''),
    ),
  );
  assert.ok(paths.length > 100, `only ${paths.length} paths found`);
  assert.deepEqual(
    paths.filter(({ path }) => !existsSync(join(root, path))),
    [],
  );
});
