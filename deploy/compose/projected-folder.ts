import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const dataLink = '..data';

/**
 * Makes `folder` show exactly `files` (name to content) as the kubelet does: the files lie in a hidden folder, `..data`
 * points to it and is swapped in one rename, and each visible name is a link through `..data`. A reader never sees a
 * mixture. Other entries of the folder that are no such links are left alone.
 */
export async function projectFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const previous = await readlink(join(folder, dataLink)).catch(() => undefined);
  const data = `..${new Date().toISOString().replaceAll(/[-:.]/g, '_')}_${randomUUID().slice(0, 8)}`;
  await mkdir(join(folder, data));
  for (const [name, content] of files) await writeFile(join(folder, data, name), content);
  await rm(join(folder, '..data_tmp'), { force: true });
  await symlink(data, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, dataLink));
  for (const name of files.keys()) {
    const present = await lstat(join(folder, name)).catch(() => undefined);
    if (present === undefined) await symlink(join(dataLink, name), join(folder, name));
  }
  await removeStaleLinks(folder, files);
  if (previous !== undefined) await rm(join(folder, previous), { recursive: true, force: true });
}

async function removeStaleLinks(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith('..') || files.has(name)) continue;
    const target = await readlink(join(folder, name)).catch(() => undefined);
    if (target?.startsWith(`${dataLink}/`)) await rm(join(folder, name));
  }
}
