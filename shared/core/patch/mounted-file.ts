import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { normalPath } from './mount-path.ts';
import { createPathTree, type PathTree } from './path-tree.ts';
import { itemsOf } from './planned-volume.ts';
import type { PodPlan } from './pod-plan.ts';

/** A file of a secret below a mount of ours. */
interface MountedFile {
  path: string;
  title: string;
}

/** The files of a plan, to be asked what a mount of the user's would hide. */
export interface MountedFiles {
  /** The file that a mount at this normal path hides: it lies there or below, and the path below a mount of ours. */
  hiddenBy(path: string): MountedFile | undefined;
}

/** The plan's own mounts hide nothing of one another (planned-file.ts saw to that). */
export function mountedFiles(plan: PodPlan, budget: WorkBudget): MountedFiles {
  const ours = new Set(Array.from(plan.mounts.keys(), (mountPath) => normalPath(mountPath, budget)));
  const mounts = createPathTree<string>(budget);
  for (const path of ours) mounts.add(path, path);
  let files: PathTree<MountedFile> | undefined;
  return {
    hiddenBy: (path) => {
      budget.spend(1);
      // In a pod that was injected before, most are ours.
      if (ours.has(path) || mounts.above(path).length === 0) return undefined;
      // Hardly anybody mounts below ours: until then nobody has to know the files.
      files ??= treeOfFiles(plan, budget);
      return files.at(path) ?? files.firstBelow(path);
    },
  };
}

function treeOfFiles(plan: PodPlan, budget: WorkBudget): PathTree<MountedFile> {
  const files = createPathTree<MountedFile>(budget);
  for (const file of filesOf(plan, budget)) files.add(file.path, file);
  return files;
}

function filesOf(plan: PodPlan, budget: WorkBudget): MountedFile[] {
  const ofVolumes = [...plan.mounts].flatMap(([mountPath, { value }]) =>
    itemsOf(value.volume).map(({ path, title }) => ({ path: `${mountPath}/${path}`, title })),
  );
  return [...ofVolumes, ...plan.files].map(({ path, title }) => ({ path: normalPath(path, budget), title }));
}
