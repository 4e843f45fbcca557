import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '#testkit/processes/run-program.ts';
import { cachedImageFile } from './cached-image-file.ts';
import { debianImage } from './debian-image.ts';
import { extendImage, type Image } from './image.ts';
import { createLayer, readLayer } from './layer.ts';

/** The name that deploy/Dockerfile gives its base. */
export const nodeImageName = 'docker.io/library/node:24-slim';
/** Of the generation that Node 24 has. */
const npmVersion = '11.19.1';
const modules = '/usr/local/lib/node_modules';

/** Makes what stands for the publisher's image of Node: Debian, the Node that runs this, and npm. */
export async function nodeImage(): Promise<Image> {
  const key = `${process.version}-${npmVersion}-${process.arch}`;
  const file = await cachedImageFile('node', key, async (path) => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-npm-'));
    const options = ['--prefix', folder, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund'];
    await runProgram('npm', ['install', ...options, `npm@${npmVersion}`]);
    const entries = [
      { at: '/usr/local/bin/node', from: process.execPath, mode: 0o755 },
      { at: `${modules}/npm`, from: join(folder, 'node_modules/npm') },
      { at: '/usr/local/bin/npm', linkTo: `..${modules.slice('/usr/local'.length)}/npm/bin/npm-cli.js` },
      { at: '/usr/local/bin/npx', linkTo: `..${modules.slice('/usr/local'.length)}/npm/bin/npx-cli.js` },
    ];
    await createLayer(entries, path);
    await rm(folder, { recursive: true });
  });
  return extendImage(await debianImage(), nodeImageName, [await readLayer(file)], { Cmd: ['node'] });
}
