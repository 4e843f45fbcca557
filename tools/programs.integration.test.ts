import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cacheFolder } from './cache-folder.ts';
import { cachedPath } from './go-program.ts';
import { nodePrograms, pinnedPrograms } from './pinned-programs.ts';
import { isSufficient, parseProgramVersion } from './program-version.ts';
import { findPrograms, searchFolders } from './programs.ts';

const folder = await mkdtemp(join(tmpdir(), 'latchkey-programs-'));
after(() => rm(folder, { recursive: true }));
const silent = { start: () => () => undefined };

/** Writes stand-ins that only tell a version; `versions` maps a program to what it prints. */
async function aFolderOfPrograms(name: string, versions: Record<string, string>): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  for (const [program, version] of Object.entries(versions)) {
    await writeFile(join(path, program), `#!/bin/sh\necho "${version}"\n`);
    await chmod(join(path, program), 0o755);
  }
  return path;
}

test('every pinned version is the one in its go.mod', async () => {
  for (const { module, moduleFolder, version } of [...pinnedPrograms, ...nodePrograms]) {
    if (module === undefined) continue;
    assert.match(
      await readFile(join(moduleFolder, 'go.mod'), 'utf8'),
      new RegExp(`\\s${module} ${version}\\b`),
    );
  }
});

test('the version is read from what each program prints', () => {
  assert.equal(parseProgramVersion('Kubernetes v1.36.3'), 'v1.36.3');
  assert.equal(parseProgramVersion('etcd Version: 3.6.16\nGit SHA: Not provided'), 'v3.6.16');
  assert.equal(parseProgramVersion('nats-server: v2.15.2'), 'v2.15.2');
  assert.equal(
    parseProgramVersion('Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0'),
    'v1.32.4',
  );
  assert.equal(parseProgramVersion('no version here'), undefined);
});

test('a version is sufficient when its major is the same and its minor not older', () => {
  assert.equal(isSufficient('v1.36.0', 'v1.36.3'), true);
  assert.equal(isSufficient('v1.37.0', 'v1.36.3'), true);
  assert.equal(isSufficient('v1.32.4', 'v1.36.3'), false);
  assert.equal(isSufficient('v2.36.3', 'v1.36.3'), false);
});

test('KUBEBUILDER_ASSETS comes before PATH, and PATH in its own order', () => {
  const folders = searchFolders({ KUBEBUILDER_ASSETS: '/assets', PATH: '/one:/two:/one' });
  assert.deepEqual(
    folders.map(({ folder }) => folder),
    ['/assets', '/one', '/two'],
  );
});

test('programs that are too old are passed over for sufficient ones further on', async () => {
  const sufficient = { etcd: '3.6.20', 'kube-apiserver': 'v1.36.9', kubectl: 'v1.37.0' };
  const old = await aFolderOfPrograms('old', { 'nats-server': 'v2.9.10', ...sufficient });
  const fresh = await aFolderOfPrograms('fresh', { 'nats-server': 'v2.15.0' });
  const context = { cacheFolder: join(folder, 'cache'), env: { PATH: `${old}:${fresh}` }, progress: silent };
  const programs = await findPrograms(context);
  assert.deepEqual(programs.etcd, {
    name: 'etcd',
    path: join(old, 'etcd'),
    version: 'v3.6.20',
    source: 'PATH',
  });
  assert.equal(programs['nats-server'].path, join(fresh, 'nats-server'));
});

test('a program in the cache is used when the machine has none', async () => {
  const assets = await aFolderOfPrograms('assets', {
    etcd: '3.6.16',
    'kube-apiserver': 'v1.36.3',
    kubectl: 'v1.36.3',
  });
  const [nats] = pinnedPrograms;
  assert.ok(nats);
  const cached = await cachedPath(nats, join(folder, 'cache'));
  await mkdir(join(cached, '..'), { recursive: true });
  await writeFile(cached, '', { mode: 0o755 });
  const context = {
    cacheFolder: join(folder, 'cache'),
    env: { KUBEBUILDER_ASSETS: assets },
    progress: silent,
  };
  const programs = await findPrograms(context);
  assert.equal(programs['nats-server'].source, 'cache');
  assert.equal(programs.etcd.source, 'KUBEBUILDER_ASSETS');
});

test('the cache folder is the one asked for, else in the user’s cache folder', () => {
  assert.equal(cacheFolder({ LATCHKEY_CACHE: '/a' }), '/a');
  assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x' }), '/x/latchkey');
  assert.equal(cacheFolder({ HOME: '/home/me' }), '/home/me/.cache/latchkey');
});
