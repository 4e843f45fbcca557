import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { findReachableFiles, requestsOf } from './reachable-files.ts';

const modules = 'node_modules';

test('static, dynamic and bundled requests are seen, those made at run time are not', () => {
  const source = `import a, {b} from "one"; export * from './two'; import'three';
    const x = await import('four'); const y = __require("five"), z = require.resolve('six'); require(name);`;
  assert.deepEqual(
    requestsOf(source).map(({ specifier, kind }) => `${kind} ${specifier}`),
    ['import one', 'import ./two', 'import three', 'import four', 'require five', 'require six'],
  );
});

test('files are followed through packages as each kind of request finds them', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'latchkey-reachable-'));
  t.after(() => rm(root, { recursive: true }));
  const files: Record<string, string> = {
    'package.json': JSON.stringify({ name: 'root', imports: { '#own/*': './own/*' } }),
    'own/main.ts': `import { a } from 'dual'; import './beside.ts'; import '#own/third.ts';`,
    'own/beside.ts': `await import('node:fs');`,
    'own/third.ts': '',
    [`${modules}/dual/package.json`]: JSON.stringify({
      name: 'dual',
      exports: { import: './esm/a.mjs', require: './cjs/a.js' },
      dependencies: { unnamed: '1.0.0' },
    }),
    [`${modules}/dual/esm/a.mjs`]: `import plain from 'plain/lib/deep';`,
    [`${modules}/dual/cjs/a.js`]: '',
    [`${modules}/dual/${modules}/plain/package.json`]: JSON.stringify({ name: 'plain' }),
    [`${modules}/dual/${modules}/plain/lib/deep/index.js`]: `require('./data'); require('absent');`,
    [`${modules}/dual/${modules}/plain/lib/deep/data.json`]: '{}',
    [`${modules}/dual/${modules}/plain/lib/other.js`]: '',
    [`${modules}/unnamed/package.json`]: JSON.stringify({ name: 'unnamed', main: 'main' }),
    [`${modules}/unnamed/main.js`]: '',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const reached = [...findReachableFiles(root, ['own/main.ts'])].map((file) => relative(root, file));
  const unreached = [`${modules}/dual/cjs/a.js`, `${modules}/dual/${modules}/plain/lib/other.js`];
  const expected = Object.keys(files).filter(
    (path) => !path.endsWith('package.json') && !unreached.includes(path),
  );
  assert.deepEqual(reached.toSorted(), expected.toSorted());
});
