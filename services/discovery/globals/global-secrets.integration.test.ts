import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { globalsFromEnvironment, globalsFromFiles, readGlobals } from './global-secrets.ts';

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

/** A folder `team` with a good file `token`, and what stands beside it. */
async function aMount(t: TestContext, put: (team: string) => Promise<unknown>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'globals-'));
  t.after(() => rm(dir, { recursive: true }));
  await mkdir(join(dir, 'team'));
  await writeFile(join(dir, 'team', 'token'), 'value');
  await put(join(dir, 'team'));
  return dir;
}
const besides: Record<string, (team: string, t: TestContext) => Promise<unknown>> = {
  'a folder lost+found': (team) => mkdir(join(team, 'lost+found')),
  'a nested folder with a file': (team) => mkdir(join(team, 'nested', 'more'), { recursive: true }),
  'a symlink that leads nowhere': (team) => symlink('absent', join(team, 'dangling')),
  'a symlink that leads to itself': (team) => symlink('loop', join(team, 'loop')),
  'a group that leads nowhere': (team) => symlink('absent', join(team, '..', 'group')),
  'a file that cannot be read': (team) => symlink('/proc/self/mem', join(team, 'mem')),
  'a device without end': (team) => symlink('/dev/zero', join(team, 'zero')),
  'a FIFO that nobody writes': (team) => promisify(execFile)('mkfifo', [join(team, 'fifo')]),
  'a socket': async (team, t) => {
    const server = createServer().listen(join(team, 'socket'));
    t.after(() => server.close());
    await once(server, 'listening');
  },
  'a file of more than 1 MiB': async (team) => {
    await writeFile(join(team, 'large'), '');
    await truncate(join(team, 'large'), 1_024 * 1_024 + 1);
  },
};
for (const [what, put] of Object.entries(besides)) {
  test(`${what} beside a global secret is named once in the log, and the secret is served`, async (t) => {
    const dir = await aMount(t, (team) => put(team, t));
    const lines: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
    const told = new Set<string>();
    for (const _ of [1, 2]) {
      const globals = await readGlobals({ environment: {}, envPrefix: 'FLYTE_SECRET_', dir, told, log });
      assert.deepEqual(
        globals?.map(({ name }) => name),
        ['file:team/token'],
      );
    }
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', new RegExp(`"path":"${dir}/`));
  });
}

test('a global secret that can no longer be read keeps its value, and one that is deleted is gone', async (t) => {
  const dir = await aMount(t, async () => undefined);
  const known = await globalsFromFiles(dir);
  const path = join(dir, 'team', 'token');
  await rm(path);
  await symlink('/proc/self/mem', path);
  assert.deepEqual(await globalsFromFiles(dir, () => undefined, known), known);
  await rm(path);
  assert.deepEqual(await globalsFromFiles(dir, () => undefined, known), []);
});

test('a file of exactly 1 MiB is a global secret', async (t) => {
  const dir = await aMount(t, (team) => writeFile(join(team, 'large'), Buffer.alloc(1_024 * 1_024, 'x')));
  const large = (await globalsFromFiles(dir)).find(({ name }) => name === 'file:team/large');
  assert.equal(large?.value.length, 1_024 * 1_024);
});
