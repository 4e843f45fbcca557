import { readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeCgroups } from '#testkit/processes/remove-cgroups.ts';
import { isRunning } from '#tools/is-running.ts';

/** Begins the name of a cluster's folder, and of its cgroups; the id of the process that owns it follows. */
const prefix = 'latchkey-node-';
const hierarchies = '/sys/fs/cgroup';

/** A name for the folder of a cluster of this process; the folder's own name ends with something random. */
export const clusterPrefix = (): string => `${prefix}${process.pid}-`;

/** The process that owns what has that name; undefined when it is nothing of a cluster. */
export function ownerOf(name: string): number | undefined {
  const [, pid] = /^latchkey-node-(\d+)-/.exec(name) ?? [];
  return pid === undefined ? undefined : Number(pid);
}

/**
 * Removes folders and cgroups of clusters whose process has gone. Its guard does that, unless both were killed in the
 * same moment; processes, mounts and networks never stay, as the kernel ends them.
 */
export async function removeLeftOvers(): Promise<void> {
  const temporary = await realpath(tmpdir());
  const isLeftOver = (name: string): boolean => {
    const owner = ownerOf(name);
    return owner !== undefined && !isRunning(owner);
  };
  const folders = (await readdir(temporary)).filter(isLeftOver);
  const controllers = await readdir(hierarchies).catch(() => []);
  const inside = controllers.map((name) => readdir(join(hierarchies, name)).catch(() => []));
  const cgroups = [...controllers, ...(await Promise.all(inside)).flat()].filter(isLeftOver);
  for (const name of new Set(cgroups)) await removeCgroups(name);
  for (const name of folders) await rm(join(temporary, name), { recursive: true, force: true });
}
