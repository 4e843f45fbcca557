import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, cp, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runProgram } from '#testkit/processes/run-program.ts';

/** Is one layer of an image: an uncompressed tar of files that belong to root. */
export interface Layer {
  file: string;
  /** SHA-256 of the file, hex. */
  id: string;
  sizeBytes: number;
}

/** Describes an entry of a layer by its absolute path in the image, and where its content comes from. */
export type LayerEntry = { at: string; mode?: number } & (
  | { from: string }
  | { text: string }
  | { linkTo: string }
  | { folder: true }
);

/** Makes a layer at `file`. The same entries give the same bytes. */
export async function createLayer(entries: readonly LayerEntry[], file: string): Promise<Layer> {
  const staging = `${file}.files`;
  await mkdir(staging, { recursive: true });
  for (const entry of entries) await stage(entry, join(staging, entry.at));
  const owner = ['--numeric-owner', '--owner=0', '--group=0', '--mtime=@0', '--sort=name'];
  await runProgram('tar', ['--create', '--file', file, '--directory', staging, ...owner, '.']);
  await rm(staging, { recursive: true });
  return readLayer(file);
}

/** Reads a tar that is there as a layer. */
export async function readLayer(file: string): Promise<Layer> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { file, id: hash.digest('hex'), sizeBytes: (await stat(file)).size };
}

async function stage(entry: LayerEntry, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if ('folder' in entry) await mkdir(path, { recursive: true });
  else if ('linkTo' in entry) await symlink(entry.linkTo, path);
  else if ('text' in entry) await writeFile(path, entry.text);
  else await cp(entry.from, path, { recursive: true, verbatimSymlinks: true });
  if (entry.mode !== undefined) await chmod(path, entry.mode);
}
