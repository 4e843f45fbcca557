import { createHash } from 'node:crypto';
import { glob, mkdtemp, readFile, realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { version } from '#shared/runtime/version.ts';
import { startProcessGuard } from '#testkit/processes/process-guard.ts';
import { runProgram } from '#testkit/processes/run-program.ts';
import { cachedImageFile } from './cached-image-file.ts';
import { type ContainerEngine, startContainerEngine } from './container-engine.ts';
import { debianImage, debianImageName, trustedCertificates } from './debian-image.ts';
import { writeImages } from './image.ts';
import { nodeImage } from './node-image.ts';

const root = resolve(import.meta.dirname, '../..');

/** The name that deploy/kustomization.yaml gives the image. */
export const latchkeyImageName = `latchkey:${version}`;

/** Is an image in a file, as `docker save` writes it. */
export interface SavedImage {
  name: string;
  /** Digest of its configuration: `sha256:...`. */
  id: string;
  file: string;
  /** Size of the file. */
  sizeBytes: number;
}

/** Describes an image in an engine. */
export interface BuiltImage {
  id: string;
  sizeBytes: number;
  /** What its layers have beyond those of its base. */
  ownBytes: number;
}

/** Names the two builders of the engine: BuildKit, and the one before it. */
export type Builder = 'buildkit' | 'classic';

/** Puts the base images into the engine, so that no registry is asked for them. */
export async function loadBaseImages(engine: ContainerEngine, folder: string): Promise<void> {
  const file = join(folder, 'base-images.tar');
  await writeImages([await debianImage(), await nodeImage()], file);
  await engine.docker(['load', '--quiet', '--input', file]);
}

/** Builds deploy/Dockerfile under `name` in an engine that has the base images and the machine's network. */
export async function runBuild(engine: ContainerEngine, name: string, builder: Builder): Promise<BuiltImage> {
  const build = ['--file', join(root, 'deploy/Dockerfile'), '--tag', name, '--network', 'host'];
  // The machine may reach the registry of packages through a proxy with a CA of its own.
  const trust = ['--build-arg', `NODE_EXTRA_CA_CERTS=${trustedCertificates}`];
  const env = { DOCKER_BUILDKIT: builder === 'buildkit' ? '1' : '0' };
  await engine.docker(['build', ...build, ...trust, root], { env });
  const { Id: id, Size: sizeBytes } = await inspectImage(engine, name);
  return { id, sizeBytes, ownBytes: sizeBytes - (await inspectImage(engine, debianImageName)).Size };
}

async function inspectImage(engine: ContainerEngine, name: string): Promise<{ Id: string; Size: number }> {
  return JSON.parse(await engine.docker(['image', 'inspect', '--format', '{{json .}}', name]));
}

/**
 * Builds deploy/Dockerfile as `latchkey:<version>` and saves it in the cache folder; the same sources are built once. Throws one
 * sentence where it cannot be built here.
 */
export async function buildImage(): Promise<SavedImage> {
  const file = await cachedImageFile('latchkey', await sourcesKey(), async (path) => {
    const folder = await mkdtemp(join(await realpath(tmpdir()), 'latchkey-build-'));
    const guard = startProcessGuard(folder);
    try {
      const engine = await startContainerEngine({ folder: join(folder, 'engine'), network: 'host' }, guard);
      await loadBaseImages(engine, folder);
      await runBuild(engine, latchkeyImageName, 'buildkit');
      await engine.docker(['save', '--output', path, latchkeyImageName]);
      await engine.stop();
    } finally {
      await guard.close();
    }
  });
  return { name: latchkeyImageName, id: await savedId(file), file, sizeBytes: (await stat(file)).size };
}

/** What the image is made of, as .dockerignore lets it through. */
const sources = [
  '.dockerignore',
  'deploy/Dockerfile',
  'package*.json',
  '{shared,services,cli,deploy/image}/**/*',
];

async function sourcesKey(): Promise<string> {
  const hash = createHash('sha256');
  for (const { id } of (await nodeImage()).layers) hash.update(id);
  const files: string[] = [];
  for await (const entry of glob(sources, { cwd: root, withFileTypes: true })) {
    if (entry.isFile() && !entry.name.endsWith('.test.ts')) files.push(join(entry.parentPath, entry.name));
  }
  for (const file of files.sort()) hash.update(relative(root, file)).update(await readFile(file));
  return hash.digest('hex').slice(0, 12);
}

async function savedId(file: string): Promise<string> {
  const manifest = await runProgram('tar', ['--extract', '--to-stdout', '--file', file, 'manifest.json']);
  const [{ Config: config }] = JSON.parse(manifest) as [{ Config: string }];
  return `sha256:${config.slice(0, -'.json'.length)}`;
}
