import { isWithin, normalPath } from './mount-path.ts';
import type { PodPlan } from './pod-plan.ts';
import type { WorkBudget } from './work-budget.ts';

/** A file of a secret below a mount of ours; `top` is the outermost of our mounts that holds it. */
type MountedFile = { path: string; title: string; top: string };

/** The files of a plan, to be asked what a mount of the user's would hide. */
export type MountedFiles = {
  /** The file that a mount at this normal path hides: it lies there or below, and the path below a mount of ours. */
  hiddenBy(path: string): { path: string; title: string } | undefined;
};

/** The plan's own mounts hide nothing of one another (planned-file.ts saw to that). */
export function mountedFiles(plan: PodPlan, budget: WorkBudget): MountedFiles {
  const tops = new Set([...plan.mounts.keys()].map(normalPath));
  const files = filesOf(plan, tops, budget).sort((a, b) => (a.path < b.path ? -1 : 1));
  return {
    hiddenBy: (path) => {
      if (tops.has(path)) return undefined;
      for (let index = firstAtOrAfter(files, path); index < files.length; index++) {
        const file = files[index];
        budget.spend(1);
        // Those that begin with the path stand together; `a.b` stands among them, between `a` and `a/b`.
        if (file?.path.startsWith(path) !== true) return undefined;
        if (isWithin(file.path, path) && path.length > file.top.length) return file;
      }
      return undefined;
    },
  };
}

function filesOf(plan: PodPlan, tops: ReadonlySet<string>, budget: WorkBudget): MountedFile[] {
  const ofVolumes = [...plan.mounts].flatMap(([mountPath, { value }]) =>
    ('secrets' in value.volume ? value.volume.secrets : []).flatMap(({ items }) =>
      Array.from(items, ([path, { title }]) => ({ path: normalPath(`${mountPath}/${path}`), title })),
    ),
  );
  const others = plan.files.map(({ path, title }) => ({ path: normalPath(path), title }));
  return [...ofVolumes, ...others].flatMap(({ path, title }) => {
    budget.spend(tops.size);
    const [top] = [...tops].filter((folder) => isWithin(path, folder)).sort((a, b) => a.length - b.length);
    return top === undefined ? [] : [{ path, title, top }];
  });
}

function firstAtOrAfter(files: readonly MountedFile[], path: string): number {
  let [low, high] = [0, files.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((files[middle]?.path ?? '') < path) low = middle + 1;
    else high = middle;
  }
  return low;
}
