import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import { itemHiddenBy, type PlannedVolume } from './planned-volume.ts';
import type { PodPlan } from './pod-plan.ts';
import { insideOfOurs } from './volume-inside.ts';

/** Where all that a plan mounts and writes lies. */
type OwnPlaces = Pick<PodPlan, 'files' | 'fileTree' | 'mounts' | 'mountTree'>;

/** A folder that secrets mount. */
export interface OwnMount {
  mountPath: string;
  volume: PlannedVolume;
  /** The first secret that wants it. */
  title: string;
}

/** A file of a secret, and where it is in a container. */
interface FileOfSecret {
  path: string;
  title: string;
}

/** The mount of ours that a place lies inside, the innermost; undefined when there is none. */
export function holderOf({ mountTree }: OwnPlaces, path: string, budget: WorkBudget): OwnMount | undefined {
  return mountTree.above(path, budget).findLast(({ mountPath }) => mountPath !== path);
}

/** The file of a secret that a mount at this place inside a mount of ours hides, or would be a folder of. */
export function fileHiddenBy(
  plan: OwnPlaces,
  holder: OwnMount,
  path: string,
  budget: WorkBudget,
): FileOfSecret | undefined {
  const { mountPath, volume } = holder;
  if (!('secrets' in volume)) {
    return plan.fileTree.above(path, budget).at(-1) ?? plan.fileTree.firstBelow(path, budget);
  }
  const item = itemHiddenBy(volume, path.slice(mountPath.length + 1), budget);
  return item && { path: `${mountPath}/${item.path}`, title: item.title };
}

/** @throws PATH_CLASH when a mount of ours would hide a file of another secret, or has no place in another mount of ours */
export function checkOwnMounts(plan: OwnPlaces, budget: WorkBudget): void {
  for (const { path, title, mountPaths } of plan.files) {
    const mount = plan.mountTree.above(path, budget).find(({ mountPath }) => !mountPaths.includes(mountPath));
    if (mount !== undefined) throw hiddenFile(mount, { path, title }, ', which another manager provides');
  }
  for (const mountPath of plan.mounts.keys()) {
    const holder = holderOf(plan, mountPath, budget);
    const mount = holder && plan.mountTree.at(mountPath, budget);
    if (holder === undefined || mount === undefined) continue;
    const file =
      'secrets' in holder.volume
        ? fileHiddenBy(plan, holder, mountPath, budget)
        : plan.fileTree.above(mountPath, budget).find(({ path }) => path !== mountPath);
    if (file !== undefined) throw hiddenFile(mount, file, '');
    if (insideOfOurs(holder.volume) === 'closed') {
      throw new LatchkeyError(
        'PATH_CLASH',
        `the folder ${quote(mountPath)} of secret ${quote(mount.title)} cannot be made inside the folder ${quote(holder.mountPath)} of secret ${quote(holder.title)}, which is read only: ask for them in different tasks`,
      );
    }
  }
}

function hiddenFile(mount: OwnMount, { path, title }: FileOfSecret, whose: string): LatchkeyError {
  return new LatchkeyError(
    'PATH_CLASH',
    `the folder ${quote(mount.mountPath)} of secret ${quote(mount.title)} would hide the file ${quote(path)} of secret ${quote(title)}${whose}: ask for them in different tasks`,
  );
}
