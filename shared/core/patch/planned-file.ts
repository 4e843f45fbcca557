import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
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

/** @throws PATH_CLASH when another secret wants this file, or a folder or file in its way */
export function addFile(files: PathTree<PlannedFile>, file: PlannedFile, budget: WorkBudget): void {
  const isSame = (other: PlannedFile): boolean => other.path === file.path && other.source === file.source;
  const other =
    files.above(file.path, budget).find((one) => !isSame(one)) ?? files.firstBelow(file.path, budget);
  if (other !== undefined) throw fileClash(other, file, '');
  files.add(file.path, file, budget);
}

/** Says that two files cannot both be: they have one place, or one is the folder of the other. */
export function fileClash(
  taken: { path: string; title: string },
  { path, title }: { path: string; title: string },
  where: string,
): LatchkeyError {
  const message =
    taken.title === title
      ? `secret ${quote(title)} would be both the file ${quote(taken.path)} and the file ${quote(path)}${where}, and one name is no file and folder at once: use another group_version or key`
      : `secrets ${quote(taken.title)} and ${quote(title)} both want the file ${quote(path)}${where}: rename one of them, or ask for only one in this task`;
  return new LatchkeyError('PATH_CLASH', message);
}
