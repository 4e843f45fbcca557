import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import type { PathTree } from './path-tree.ts';

/** A file that a request brings about by other means than a volume of ours: a pull container, the Vault agent. */
export interface PlannedFile {
  path: string;
  /** What it is filled from: the same file from the same source is no clash. */
  source: string;
  title: string;
  /** Where the request itself mounts the folder of the file, if it does. */
  mountPaths: readonly string[];
}

/** A folder that secrets mount. */
interface MountedFolder {
  mountPath: string;
  title: string;
}

/** @throws PATH_CLASH when another secret wants this file, or a folder or file in its way */
export function addFile(files: PathTree<PlannedFile>, file: PlannedFile): void {
  const isSame = (other: PlannedFile): boolean => other.path === file.path && other.source === file.source;
  const other = files.above(file.path).find((one) => !isSame(one)) ?? files.firstBelow(file.path);
  if (other !== undefined) {
    throw new LatchkeyError(
      'PATH_CLASH',
      `secrets ${quote(other.title)} and ${quote(file.title)} both want the file ${quote(file.path)}: rename one of them, or ask for only one in this task`,
    );
  }
  files.add(file.path, file);
}

/** @throws PATH_CLASH when a volume that another secret mounts would hide the file */
export function checkVisible(files: readonly PlannedFile[], mounts: PathTree<MountedFolder>): void {
  for (const { path, title, mountPaths } of files) {
    for (const { mountPath, title: folderTitle } of mounts.above(path)) {
      if (mountPaths.includes(mountPath)) continue;
      throw new LatchkeyError(
        'PATH_CLASH',
        `the folder ${quote(mountPath)} of secret ${quote(folderTitle)} would hide the file ${quote(path)} of secret ${quote(title)}, which another manager provides: ask for them in different tasks`,
      );
    }
  }
}
