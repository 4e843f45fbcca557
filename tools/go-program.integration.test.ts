import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { withBuildLock } from './build-lock.ts';
import { buildGoProgram, cachedPath } from './go-program.ts';
import { requireGo } from './run-go.ts';

const folder = await mkdtemp(join(tmpdir(), 'latchkey-go-program-'));
after(() => rm(folder, { recursive: true }));
const silent = { start: () => () => undefined };

async function aGoProgram(name: string, goVersion = '1.26.0') {
  const moduleFolder = join(folder, name);
  await mkdir(moduleFolder);
  await writeFile(join(moduleFolder, 'go.mod'), `module example.test/${name}\n\ngo ${goVersion}\n`);
  await writeFile(join(moduleFolder, 'main.go'), 'package main\n\nfunc main() { print("hello") }\n');
  return { name, version: 'v0.0.0', moduleFolder, package: '.', linkerFlags: '' };
}

test('two builds at once leave one whole program and nothing else', async () => {
  const program = await aGoProgram('hello');
  const context = { cacheFolder: join(folder, 'cache'), env: process.env, progress: silent };
  const [first, second] = await Promise.all([
    buildGoProgram(program, context),
    buildGoProgram(program, context),
  ]);
  assert.equal(first, second);
  assert.equal((await promisify(execFile)(first)).stderr, 'hello');
  assert.deepEqual(await readdir(dirname(first)), ['hello']);
  assert.deepEqual(await readdir(context.cacheFolder), ['programs']);
});

test('a changed source file has another place in the cache', async () => {
  const program = await aGoProgram('changing');
  const before = await cachedPath(program, '/cache');
  await writeFile(join(program.moduleFolder, 'main.go'), 'package main\n\nfunc main() {}\n');
  assert.notEqual(await cachedPath(program, '/cache'), before);
});

test('a missing Go toolchain is one sentence that says what to do', async () => {
  await assert.rejects(requireGo(folder, { PATH: folder }), {
    code: 'TOOL_MISSING',
    message: /^Go is needed .* install Go 1\.26 or newer, or set KUBEBUILDER_ASSETS to [^.]+\.$/,
  });
});

test('a Go that is too old is named beside the one that is needed', async () => {
  const { moduleFolder } = await aGoProgram('future', '1.999.0');
  await assert.rejects(requireGo(moduleFolder, { ...process.env, GOTOOLCHAIN: 'local' }), {
    code: 'TOOL_MISSING',
    message: /^Go 1\.999\.0 or newer is needed and this is Go 1\.[\d.]+: install a newer Go/,
  });
});

test('a build that fails shows what the compiler said', async () => {
  const program = await aGoProgram('broken');
  await writeFile(join(program.moduleFolder, 'main.go'), 'package main\n\nfunc main() { undefinedName() }\n');
  const context = { cacheFolder: join(folder, 'cache'), env: process.env, progress: silent };
  await assert.rejects(buildGoProgram(program, context), { code: 'TOOL_MISSING', message: /undefinedName/ });
});

test('the lock of a process that died is taken over', async () => {
  const lock = join(folder, 'dead.lock');
  const { stdout } = await promisify(execFile)(process.execPath, [
    '-p',
    'JSON.stringify({host:os.hostname(),pid:process.pid})',
  ]);
  await writeFile(lock, stdout.trim());
  const waited: string[] = [];
  assert.equal(
    await withBuildLock(
      lock,
      (holder) => waited.push(holder),
      async () => 'done',
    ),
    'done',
  );
  assert.deepEqual(waited, []);
});

test('the lock of a living process is waited for', async () => {
  const lock = join(folder, 'live.lock');
  const order: string[] = [];
  const { promise: isWaitedFor, resolve: noticeWaiting } = Promise.withResolvers<void>();
  const work = async (name: string) => order.push(name);
  let second: Promise<unknown> = Promise.resolve();
  await withBuildLock(
    lock,
    () => undefined,
    async () => {
      second = withBuildLock(
        lock,
        () => noticeWaiting(),
        async () => work('second'),
      );
      await isWaitedFor;
      await work('first');
    },
  );
  await second;
  assert.deepEqual(order, ['first', 'second']);
});
