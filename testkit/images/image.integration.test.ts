import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '#testkit/processes/run-program.ts';
import { createImage, scratch, writeImages } from './image.ts';
import { createLayer } from './layer.ts';

test('images are written as `docker save` does, a layer of several once, and the same content has the same id', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-image-'));
  t.after(() => rm(folder, { recursive: true }));
  const entries = [
    { at: '/bin/hello', text: 'hello', mode: 0o755 },
    { at: '/bin/again', linkTo: 'hello' },
  ];
  const [first, second] = [
    await createLayer(entries, join(folder, 'first.tar')),
    await createLayer(entries, join(folder, 'second.tar')),
  ];
  assert.equal(first.id, second.id);
  const base = { ...scratch, name: 'base:1', layers: [first], config: { Env: ['A=b'] } };
  const files = [{ at: '/etc/x', text: 'x' }];
  const image = await createImage(base, { name: 'own:2', files, config: { Cmd: ['/bin/hello'] } }, folder);
  const [, other] = image.layers;
  const archive = join(folder, 'images.tar');
  await writeImages([base, image], archive);
  const listed = (await runProgram('tar', ['--list', '--file', archive])).split('\n').filter(Boolean);
  assert.equal(listed.filter((name) => name.endsWith('.tar')).length, 2);
  const manifest = JSON.parse(
    await runProgram('tar', ['--extract', '--to-stdout', '--file', archive, './manifest.json']),
  ) as { Config: string; RepoTags: string[]; Layers: string[] }[];
  assert.deepEqual(
    manifest.map(({ RepoTags, Layers }) => [RepoTags, Layers]),
    [
      [['base:1'], [`${first.id}.tar`]],
      [['own:2'], [`${first.id}.tar`, `${other?.id}.tar`]],
    ],
  );
  const config = await runProgram('tar', [
    '--extract',
    '--to-stdout',
    '--file',
    archive,
    `./${manifest[1]?.Config}`,
  ]);
  assert.deepEqual(JSON.parse(config).config, { Env: ['A=b'], Cmd: ['/bin/hello'] });
});
