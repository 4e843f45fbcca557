import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachedImageFile } from '#testkit/images/cached-image-file.ts';
import { debianImage } from '#testkit/images/debian-image.ts';
import { extendImage, writeImages } from '#testkit/images/image.ts';
import { createLayer, readLayer } from '#testkit/images/layer.ts';
import { runProgram } from '#testkit/processes/run-program.ts';

export const flytekitImageName = 'docker.io/library/flytekit-task:1';
const version = '1.16.31';
const packages = '/opt/flytekit';
/** Where the script of the task is in the image. */
export const flytekitScript = '/opt/task.py';

/** A file with the image of a Flyte task: Debian's Python, flytekit as PyPI has it, and the script that is given. */
export async function flytekitImage(script: string): Promise<string> {
  const debian = await debianImage(['python3']);
  const [base] = debian.layers;
  if (base === undefined) throw new Error('the image of Debian has no layer');
  const python = await pythonVersion(base.file);
  const file = await cachedImageFile('flytekit', `${version}-python-${python}`, async (path) => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-flytekit-'));
    const target = ['--target', folder, '--python-version', python, '--only-binary=:all:'];
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
    await runProgram('python3', [...pip, ...target, `flytekit==${version}`]);
    await createLayer([{ at: packages, from: folder, mode: 0o755 }], path);
    await rm(folder, { recursive: true });
  });
  const library = await readLayer(file);
  const hash = createHash('sha256')
    .update(base.id)
    .update(library.id)
    .update(await readFile(script));
  return cachedImageFile('flytekit-task', hash.digest('hex').slice(0, 12), async (path) => {
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-script-'));
    const added = await createLayer([{ at: flytekitScript, from: script }], join(folder, 'script.tar'));
    const config = { Env: [...(debian.config.Env ?? []), `PYTHONPATH=${packages}`, 'HOME=/tmp'] };
    await writeImages([extendImage(debian, flytekitImageName, [library, added], config)], path);
    await rm(folder, { recursive: true });
  });
}

/** Of the interpreter that a layer has. */
async function pythonVersion(layer: string): Promise<string> {
  const names = await runProgram('tar', ['--list', '--file', layer]);
  const [, found] = /\/usr\/bin\/python(3\.\d+)$/m.exec(names) ?? [];
  if (found === undefined) throw new Error('Debian has installed no Python');
  return found;
}
