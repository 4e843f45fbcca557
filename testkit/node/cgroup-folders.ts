import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A cgroup hierarchy of this machine, and the folder in it whose processes see nothing above it. */
export interface CgroupFolder {
  /** Where the machine has the hierarchy mounted, and the node too. */
  mountPoint: string;
  type: 'cgroup' | 'cgroup2';
  /** What `mount` needs to find a hierarchy of version 1: its controllers, or its name. */
  options: string;
  folder: string;
}

/** Mount options that do not tell which hierarchy it is. */
const flags =
  /^(rw|ro|nosuid|nodev|noexec|relatime|xattr|nsdelegate|favordynmods|memory_\w+|release_agent=.*)$/;

/** Lists the folder `name` of every hierarchy that /proc/self/mounts has. */
export function cgroupFolders(mounts: string, name: string): CgroupFolder[] {
  return mounts.split('\n').flatMap((line): CgroupFolder[] => {
    const [, mountPoint = '', type, allOptions = ''] = line.split(' ');
    const folder = join(mountPoint, name);
    if (type === 'cgroup2') return [{ mountPoint, type, options: '', folder }];
    if (type !== 'cgroup') return [];
    const words = allOptions.split(',').filter((word) => !flags.test(word));
    const options = words.some((word) => word.startsWith('name=')) ? ['none', ...words] : words;
    return [{ mountPoint, type, options: options.join(','), folder }];
  });
}

/** Where processes may be: in version 2 not in the folder itself, which gets children. */
export const processFolder = ({ type, folder }: CgroupFolder): string =>
  type === 'cgroup2' ? join(folder, 'processes') : folder;

/**
 * Makes the folders. A new one of cpuset takes no process before it has CPUs and memory: those of its parent. Throws one
 * sentence where this machine does not allow any.
 */
export async function createCgroups(name: string): Promise<CgroupFolder[]> {
  const cgroups = cgroupFolders(await readFile('/proc/self/mounts', 'utf8'), name);
  for (const cgroup of cgroups) {
    await mkdir(processFolder(cgroup), { recursive: true }).catch((cause: NodeJS.ErrnoException) => {
      throw new Error(
        `A real node needs cgroups of its own, and ${cgroup.folder} cannot be made here (${cause.code}): run it where they are writable, for example in a privileged container.`,
        { cause },
      );
    });
    if (!cgroup.options.split(',').includes('cpuset')) continue;
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      await writeFile(join(cgroup.folder, file), await readFile(join(cgroup.mountPoint, file)));
    }
  }
  return cgroups;
}
