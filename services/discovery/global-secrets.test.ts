import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { globalsFromEnvironment, globalsFromFiles } from './global-secrets.ts';

test('variables with the prefix are global secrets, an empty value included', () => {
  const globals = globalsFromEnvironment(
    { FLYTE_SECRET_TEAM_TOKEN: 'v', FLYTE_SECRET_E: '', PATH: '/' },
    'FLYTE_SECRET_',
  );
  assert.deepEqual(
    globals.map(({ name }) => name),
    ['env:TEAM_TOKEN', 'env:E'],
  );
});

test('files are read through the symlinks of a mounted Secret, its ..data folder is not a group', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'globals-'));
  t.after(() => rm(dir, { recursive: true }));
  await mkdir(join(dir, '..v1', 'team'), { recursive: true });
  await writeFile(join(dir, '..v1', 'team', 'token'), 'value');
  await symlink('..v1', join(dir, '..data'));
  await symlink(join('..data', 'team'), join(dir, 'team'));
  await writeFile(join(dir, 'stray'), 'not in a group');
  const globals = await globalsFromFiles(dir);
  assert.deepEqual(
    globals.map(({ name, value }) => [name, Buffer.from(value).toString()]),
    [['file:team/token', 'value']],
  );
});

test('a folder that is absent holds no global secret', async () => {
  assert.deepEqual(await globalsFromFiles('/nonexistent/secrets'), []);
});
