import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { systemClock } from './clock.ts';
import { readFiles, readFolder, watchFiles, watchFolder } from './file-watch.ts';

test('a folder, a symlink that leads nowhere and a FIFO in a mounted folder keep no file of it from being read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mounted-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'file'), 'content');
  await mkdir(join(folder, 'lost+found'));
  await symlink('absent', join(folder, 'dangling'));
  await promisify(execFile)('mkfifo', [join(folder, 'pipe')]);
  const contents = await readFolder(folder);
  assert.deepEqual(
    [...contents].map(([name, content]) => [name, content.toString()]),
    [
      ['file', 'content'],
      ['pipe', ''],
    ],
  );
});

/** A clock whose ticks the test makes; each resolves when the watch has looked. */
function ticking() {
  let task = (): void | Promise<void> => undefined;
  const clock = {
    ...systemClock,
    every: (_ms: number, each: () => void | Promise<void>) => {
      task = each;
      return () => undefined;
    },
  };
  return { clock, tick: async (): Promise<void> => await task() };
}

test('a change is told of once, also one that shows only in the contents or in where a link leads', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mounted-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  const then = new Date(0);
  const write = async (text: string): Promise<void> => {
    await writeFile(path, text);
    await utimes(path, then, then);
  };
  await write('one');
  const { clock, tick } = ticking();
  const seen: string[] = [];
  watchFiles({
    paths: [path],
    initial: await readFiles([path]),
    clock,
    onChange: (contents) => seen.push(`${contents.get(path)}`),
  });
  await tick();
  // Of the same size and time.
  await write('two');
  for (let ticks = 0; ticks < 3; ticks++) await tick();
  await writeFile(join(folder, 'other'), 'six');
  await symlink('other', join(folder, 'link'));
  await rename(join(folder, 'link'), path);
  for (let ticks = 0; ticks < 3; ticks++) await tick();
  assert.deepEqual(seen, ['two', 'six']);
});

test('a file that comes into a mounted folder is told of, and one that is rewritten in it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mounted-'));
  t.after(() => rm(folder, { recursive: true }));
  const { clock, tick } = ticking();
  const seen: string[][] = [];
  watchFolder({
    folder,
    initial: await readFolder(folder),
    clock,
    onChange: (contents) => seen.push(Array.from(contents, ([name, content]) => `${name} ${content}`)),
  });
  for (let ticks = 0; ticks < 3; ticks++) await tick();
  await writeFile(join(folder, 'a'), 'one');
  for (let ticks = 0; ticks < 3; ticks++) await tick();
  await writeFile(join(folder, 'a'), 'three');
  for (let ticks = 0; ticks < 3; ticks++) await tick();
  assert.deepEqual(seen, [['a one'], ['a three']]);
});

test('a file that could not be read twice after a change is read again, and then no more', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mounted-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'file');
  await writeFile(path, 'one');
  await mkdir(join(folder, 'lost+found'));
  for (const watch of ['files', 'folder']) {
    const { clock, tick } = ticking();
    const seen: string[] = [];
    let [reads, failures] = [0, 0];
    const options = {
      initial: new Map(),
      clock,
      content: async (asked: string): Promise<Buffer> => {
        if (asked === path) reads++;
        if (failures-- > 0) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
        return await readFile(asked);
      },
      onChange: (contents: ReadonlyMap<string, Buffer>) => seen.push([...contents.values()].join()),
    };
    if (watch === 'files') watchFiles({ ...options, paths: [path] });
    else watchFolder({ ...options, folder });
    for (let ticks = 0; ticks < 3; ticks++) await tick();
    await writeFile(path, `${watch} rotated`);
    // Of the file, and of the folder beside it.
    failures = watch === 'files' ? 2 : 4;
    for (let ticks = 0; ticks < 3; ticks++) await tick();
    assert.equal(seen.at(-1), `${watch} rotated`);
    const readsBefore = reads;
    for (let ticks = 0; ticks < 3; ticks++) await tick();
    assert.equal(reads, readsBefore);
  }
});
