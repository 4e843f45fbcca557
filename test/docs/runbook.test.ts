import assert from 'node:assert/strict';
import { glob, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandNames } from '#cli/command-line.ts';
import { inventoryBucket, rulesBucket } from '#shared/contracts/bus/bucket.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { errorRegistry } from '#shared/contracts/error-registry.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

async function readAll(pattern: string): Promise<string> {
  const texts: string[] = [];
  for await (const path of glob(pattern, { cwd: root })) {
    if (!path.endsWith('.test.ts')) texts.push(await read(path));
  }
  return texts.join('\n');
}

const code = await readAll('{services,shared}/**/*.ts');
const contracts = await readAll('shared/contracts/**/*.ts');
const manifests = await readAll('deploy/**/*.{yaml,conf}');
const runbook = await read('docs/runbook.md');
const pages = [runbook, await read('docs/threat-model.md'), await read('docs/upgrading.md')].join('\n');

const fence = /^ *```[\s\S]*?^ *```$/gm;
/** What stands in backticks outside of blocks, each once. */
const spans = [
  ...new Set(Array.from(pages.replace(fence, '').matchAll(/`([^`\n]+)`/g), ([, text = '']) => text)),
];
const spansLike = (pattern: RegExp): string[] => {
  const found = spans.filter((span) => pattern.test(span));
  assert.notEqual(found.length, 0, String(pattern));
  return found;
};

test('every metric that the pages name is made in the code, with its suffix', () => {
  const made = code.matchAll(
    /(createCounter|createObservableCounter|createHistogram|Gauge|gauge|perManager)\(\s*'(latchkey[._][\w.]+)'|\bname: '(latchkey\.[\w.]+)'/g,
  );
  const names = Array.from(made, ([, maker, called = '', name = called]) =>
    name.replaceAll('.', '_').concat(maker?.endsWith('Counter') ? '_total' : ''),
  );
  const known = new Set([...names, rulesBucket, inventoryBucket]);
  assert.deepEqual(
    spansLike(/^latchkey_\w+$/).filter((span) => !known.has(span)),
    [],
  );
});

test('the exit codes are those of the code, all of them', () => {
  const rows = runbook.matchAll(/^\| (\d+) +\| `(\w+)` +\|/gm);
  assert.deepEqual(
    Object.fromEntries(Array.from(rows, ([, number, name]) => [name, Number(number)])),
    exitCode,
  );
});

test('every field of latchkey.yaml exists', () => {
  const sections = Object.keys(latchkeyConfigSchema.shape).join('|');
  for (const span of spansLike(new RegExp(`^(${sections})\\.[\\w.]+(: \\w+)?$`))) {
    const [field = ''] = span.split(':');
    const name = field.split('.').at(-1);
    assert.match(contracts, new RegExp(`\\b${name}: `), span);
  }
});

test('every annotation and label stands in the code or in the manifests', () => {
  for (const span of spansLike(/^latchkey\.dev\//)) {
    const [name = ''] = span.split('=');
    assert.ok(code.includes(name) || manifests.includes(name), span);
  }
});

test('every error code is registered', () => {
  const codes = spansLike(/^[A-Z]+_[A-Z_]+$/);
  assert.deepEqual(
    codes.filter((span) => !Object.hasOwn(errorRegistry, span)),
    [],
  );
});

test('every file and every linked page exists', async () => {
  const links = Array.from(pages.matchAll(/\]\(([\w./-]+\.md)/g), ([, path = '']) => `docs/${path}`);
  for (const path of [...spansLike(/^(services|shared|deploy|docs|test)\//), ...links])
    await stat(join(root, path));
});

test('every link inside the runbook leads to one of its headings', () => {
  const slug = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-');
  const headings = new Set(Array.from(runbook.matchAll(/^## (.+)$/gm), ([, heading = '']) => slug(heading)));
  const anchors = Array.from(pages.matchAll(/\]\((?:runbook\.md)?#([\w-]+)\)/g), ([, anchor = '']) => anchor);
  assert.notEqual(anchors.length, 0);
  assert.deepEqual(
    anchors.filter((anchor) => !headings.has(anchor)),
    [],
  );
});

test('every message in the runbook is one of the code, which `...` may interrupt', () => {
  const messages = spansLike(/^[a-z]+ .*[a-z.]$/i).filter(
    (span) =>
      !/^(kubectl|npm|latchkey|openssl|failed|no endpoints|connection|context deadline|Authorization)\b/.test(
        span,
      ),
  );
  // A background loop puts its name into its lines.
  const parts = (span: string): string[] =>
    span.endsWith(' failed, retrying')
      ? [`name: '${span.replace(' failed, retrying', '')}'`, ' failed, retrying']
      : span.split('...');
  const missing = messages.filter((span) => !parts(span).every((part) => code.includes(part)));
  assert.ok(messages.length > 20);
  assert.deepEqual(missing, []);
});

test('every workload, Secret and script in a command exists', async () => {
  const { scripts }: { scripts: Record<string, string> } = JSON.parse(await read('package.json'));
  for (const [, script = ''] of runbook.matchAll(/npm run -s ([\w-]+)/g)) assert.ok(scripts[script], script);
  for (const [, name = ''] of runbook.matchAll(/\b(?:deployment|statefulset)\/([a-z][\w-]+)/g))
    assert.match(manifests, new RegExp(`^  name: ${name}$`, 'm'));
  for (const [, name = ''] of runbook.matchAll(/-n latchkey \w+ secret ([a-z][\w-]+)/g))
    assert.match(manifests, new RegExp(`(secretName: |resourceNames:[^\\]]*)\\b${name}\\b`), name);
});

test('a command of latchkey exists, unless the runbook says that it is not built', () => {
  const [built = '', planned = ''] = runbook.split('## Not built yet');
  const commandsOf = (text: string): string[] =>
    Array.from(
      text.matchAll(/(?:`latchkey|npm run -s latchkey --) ([a-z-]+)/g),
      ([, command = '']) => command,
    );
  assert.notEqual(planned, '');
  for (const command of commandsOf(built)) assert.ok(commandNames.includes(command), command);
  for (const command of commandsOf(planned)) assert.ok(!commandNames.includes(command), command);
});
