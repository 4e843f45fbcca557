import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { readFolder } from './file-watch.ts';

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
