import { createHash } from 'node:crypto';
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runProgram } from '#testkit/processes/run-program.ts';
import { createLayer, type Layer, type LayerEntry } from './layer.ts';

/** Describes how a container of an image starts, in the words of the OCI image configuration. */
interface ImageConfig {
  Env?: readonly string[];
  Entrypoint?: readonly string[];
  Cmd?: readonly string[];
  User?: string;
  WorkingDir?: string;
}

/** Is an image made here without an engine. */
export interface Image {
  /** As a manifest names it: `docker.io/library/node:24-slim`, `latchkey:0.1.0`. */
  name: string;
  layers: readonly Layer[];
  config: ImageConfig;
}

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** One fixed moment, so that the same content is the same image. */
const created = '1970-01-01T00:00:00Z';

/** Is the image without any file, for programs that need none but themselves. */
export const scratch: Image = { name: 'scratch', layers: [], config: {} };

/** Adds layers to an image and gives it a name; `config` replaces what it names. */
export const extendImage = (
  base: Image,
  name: string,
  layers: readonly Layer[],
  config: ImageConfig,
): Image => ({ name, layers: [...base.layers, ...layers], config: { ...base.config, ...config } });

/** Makes an image of a base and files, whose layer is kept in `folder`. */
export async function createImage(
  base: Image,
  { name, files, config }: { name: string; files: readonly LayerEntry[]; config: ImageConfig },
  folder: string,
): Promise<Image> {
  const file = join(folder, `${name.replaceAll(/[^\w.-]+/g, '_')}.tar`);
  return extendImage(base, name, [await createLayer(files, file)], config);
}

/** Returns the image's configuration as bytes; their SHA-256 is its id. */
const configurationOf = ({ layers, config }: Image): string =>
  JSON.stringify({
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    created,
    config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ id }) => `sha256:${id}`) },
    history: layers.map(() => ({ created, created_by: 'latchkey test kit' })),
  });

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Writes images as `docker save` does: `docker load` and `ctr images import` read the file, a layer of several once. */
export async function writeImages(images: readonly Image[], path: string): Promise<void> {
  const staging = await mkdtemp(join(tmpdir(), 'latchkey-images-'));
  const layers = new Map(images.flatMap((image) => image.layers.map((layer) => [layer.id, layer] as const)));
  const manifest: object[] = [];
  for (const image of images) {
    const configuration = configurationOf(image);
    const configFile = `${sha256(configuration)}.json`;
    await writeFile(join(staging, configFile), configuration);
    manifest.push({
      Config: configFile,
      RepoTags: [image.name],
      Layers: image.layers.map(({ id }) => `${id}.tar`),
    });
  }
  await writeFile(join(staging, 'manifest.json'), JSON.stringify(manifest));
  for (const { id, file } of layers.values()) await symlink(file, join(staging, `${id}.tar`));
  const partial = join(dirname(path), `.${sha256(path).slice(0, 12)}-${process.pid}.partial`);
  await runProgram('tar', ['--create', '--dereference', '--file', partial, '--directory', staging, '.']);
  await rename(partial, path);
  await rm(staging, { recursive: true });
}
