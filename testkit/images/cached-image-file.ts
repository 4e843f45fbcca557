import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withBuildLock } from '#tools/build-lock.ts';
import { cacheFolder } from '#tools/cache-folder.ts';
import { createProgress } from '#tools/progress.ts';

/** How many files of one kind stay: those of a few checkouts that are built in turn. */
const keptOfAKind = 3;

/**
 * Returns the path of `<kind>-<key>.tar` in the cache folder, made first by `make` at the path given to it when it is not there.
 * One build at a time per cache.
 */
export async function cachedImageFile(
  kind: string,
  key: string,
  make: (path: string) => Promise<void>,
): Promise<string> {
  const folder = join(cacheFolder(process.env), 'images');
  const path = join(folder, `${kind}-${key}.tar`);
  if (await exists(path)) return path;
  await mkdir(folder, { recursive: true });
  const progress = createProgress(process.stderr);
  const announce = (holder: string) =>
    progress.start(`Waiting for the build that ${holder} runs in ${folder}`)('waiting');
  await withBuildLock(join(folder, 'build.lock'), announce, async () => {
    if (await exists(path)) return;
    const done = progress.start(`Building ${kind} (first time only)`);
    const partial = `${path}.${process.pid}.partial`;
    try {
      await make(partial);
      await rename(partial, path);
      await removeOldest(folder, kind);
      done('built');
    } catch (error) {
      done('failed');
      await rm(partial, { force: true });
      throw error;
    }
  });
  return path;
}

async function removeOldest(folder: string, kind: string): Promise<void> {
  const names = (await readdir(folder)).filter(
    (name) => name.startsWith(`${kind}-`) && name.endsWith('.tar'),
  );
  const files = await Promise.all(
    names.map(async (name) => ({ name, time: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = files.toSorted((left, right) => right.time - left.time).slice(keptOfAKind);
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })));
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
