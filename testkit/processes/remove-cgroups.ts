import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const hierarchies = '/sys/fs/cgroup';
/** A killed process leaves its cgroup within milliseconds. */
const [tries, pauseMs] = [100, 50];

/** Removes the cgroup of that name, with all inside, from every hierarchy. A cgroup whose processes do not end stays. */
export async function removeCgroups(name: string): Promise<void> {
  const controllers = await foldersOf(hierarchies);
  const roots = [hierarchies, ...controllers];
  await Promise.all(roots.map((root) => removeCgroup(join(root, name))));
}

async function removeCgroup(folder: string): Promise<void> {
  for (const inner of await foldersOf(folder)) await removeCgroup(inner);
  for (let left = tries; left > 0; left--) {
    const code = await rmdir(folder).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code,
    );
    if (code !== 'EBUSY') return;
    await delay(pauseMs);
  }
}

async function foldersOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
}
