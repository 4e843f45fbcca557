import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolveExport } from './package-exports.ts';

test('a request gets the file of its kind, and conditions of other systems get none', () => {
  const map = {
    '.': { browser: './browser.js', import: { types: './a.d.ts', default: './a.mjs' }, require: './a.cjs' },
    './sub/*': './dist/*.js',
    './sub/private/*': null,
  };
  assert.equal(resolveExport(map, '.', 'import'), './a.mjs');
  assert.equal(resolveExport(map, '.', 'require'), './a.cjs');
  assert.equal(resolveExport(map, './sub/x/y', 'import'), './dist/x/y.js');
  assert.equal(resolveExport(map, './sub/private/y', 'import'), undefined);
  assert.equal(resolveExport(map, './other', 'import'), undefined);
});

test('a map without paths is that of the package itself, and the first condition that holds decides', () => {
  assert.equal(resolveExport('./only.js', '.', 'require'), './only.js');
  assert.equal(resolveExport({ node: './node.js', import: './esm.js' }, '.', 'import'), './node.js');
  assert.equal(resolveExport({ 'module-sync': './esm.js', default: './cjs.js' }, '.', 'require'), './esm.js');
  assert.equal(resolveExport([{ deno: './d.js' }, './n.js'], '.', 'import'), './n.js');
});
