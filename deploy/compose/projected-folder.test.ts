import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { projectFolder } from './projected-folder.ts';

const files = (entries: Record<string, string>) =>
  new Map(Object.entries(entries).map(([name, text]) => [name, Buffer.from(text)]));

test('a projection is swapped as a whole through ..data', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-projection-'));
  t.after(() => rm(folder, { recursive: true }));
  await projectFolder(folder, files({ 'tls.crt': 'one', 'tls.key': 'one', gone: 'one' }));
  const first = await readlink(join(folder, '..data'));
  await projectFolder(folder, files({ 'tls.crt': 'two', 'tls.key': 'two' }));
  assert.notEqual(await readlink(join(folder, '..data')), first);
  assert.equal(await readlink(join(folder, 'tls.crt')), '..data/tls.crt');
  assert.equal(await readFile(join(folder, 'tls.key'), 'utf8'), 'two');
  assert.deepEqual(
    (await readdir(folder)).filter((name) => !name.startsWith('..')),
    ['tls.crt', 'tls.key'],
  );
  assert.equal((await readdir(folder)).includes(first), false);
});
