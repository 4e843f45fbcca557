import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { nameSteps, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import { fileHiddenBy, holderOf, type OwnMount } from './own-mounts.ts';
import { createPathTree, type PathTree } from './path-tree.ts';
import type { Container, Mount, NamedObject, Pod } from './pod.ts';
import type { PodPlan } from './pod-plan.ts';
import { insideOf, insideOfOurs, isOfFile } from './volume-inside.ts';

/** The pod's volumes by name. */
export type UserVolumes = (name: string | undefined) => NamedObject | undefined;

/** Hardly any mount lies inside another one: until then nobody has to know the volumes. */
export function userVolumes({ volumes = [] }: Pod, budget: WorkBudget): UserVolumes {
  let byName: ReadonlyMap<string | undefined, NamedObject> | undefined;
  return (name) => {
    if (byName === undefined) {
      budget.spend(nameSteps * volumes.length);
      byName = new Map(volumes.map((volume) => [volume.name, volume]));
    }
    return byName.get(name);
  };
}

interface Places {
  plan: PodPlan;
  volumes: UserVolumes;
  budget: WorkBudget;
}

/** A mount of the user's and its normal path. */
interface UserMount {
  path: string;
  mount: Mount;
}

/** Steps to tell what a volume is. */
const volumeSteps = 30;

/**
 * Looks for mounts of a container that lie inside ours, or ours inside them, with which it would never start or the task
 * would run without a secret.
 * @param mounts the container's own by their normal path
 * @returns our mount paths inside which the container runtime has to make a folder, and whether mounts had to be put in order
 * @throws PATH_CLASH with the mount to move
 */
export function checkNestedMounts(
  container: Container,
  mounts: ReadonlyMap<string, Mount>,
  places: Places,
): { opened: ReadonlySet<string>; isNested: boolean } {
  const { plan, volumes, budget } = places;
  const opened = new Set<string>();
  const closed = new Map<string, Mount>();
  let tree: PathTree<UserMount> | undefined;
  const innermostAbove = (path: string): string => {
    tree ??= treeOf(mounts, budget);
    return tree.above(path, budget).findLast((above) => above.path !== path)?.path ?? '';
  };
  for (const [path, mount] of mounts) {
    budget.spend(1);
    // In a pod that was injected before, most are ours.
    if (plan.mounts.has(path)) continue;
    const holder = holderOf(plan, path, budget);
    const isDirect = holder !== undefined && innermostAbove(path).length <= holder.mountPath.length;
    if (isDirect && checkInside(container, { path, mount }, holder, places)) opened.add(holder.mountPath);
    if (plan.mountTree.firstBelow(path, budget) === undefined) continue;
    budget.spend(volumeSteps);
    if (insideOf(mount, volumes(mount.name)) === 'closed') closed.set(path, mount);
  }
  if (closed.size > 0) checkOurs(container, closed, innermostAbove, places);
  return { opened, isNested: tree !== undefined };
}

function treeOf(mounts: ReadonlyMap<string, Mount>, budget: WorkBudget): PathTree<UserMount> {
  const tree = createPathTree<UserMount>();
  for (const [path, mount] of mounts) tree.add(path, { path, mount }, budget);
  return tree;
}

/** Holds a mount of the user's against ours around it. @returns whether ours must be writable for it */
function checkInside(
  { name }: Container,
  { path, mount }: UserMount,
  holder: OwnMount,
  { plan, volumes, budget }: Places,
): boolean {
  const clash = (why: string): LatchkeyError =>
    new LatchkeyError('PATH_CLASH', `container ${quote(name)} ${placed(mount)}, ${why}: mount it elsewhere`);
  const hidden = fileHiddenBy(plan, holder, path, budget);
  if (hidden !== undefined) {
    throw clash(`which would hide the file ${quote(hidden.path)} of secret ${quote(hidden.title)}`);
  }
  const where = `inside the folder ${quote(holder.mountPath)} of secret ${quote(holder.title)}`;
  switch (insideOfOurs(holder.volume)) {
    case 'writable':
      return true;
    case 'closed':
      throw clash(`${where}, which is read only`);
    case 'prepared':
      budget.spend(volumeSteps);
      if (isOfFile(mount, volumes(mount.name))) throw clash(`${where}, where only folders can be mounted`);
      return false;
  }
}

const placed = ({ name = '', mountPath = '', isDevice }: Mount): string =>
  `${isDevice ? 'has the device' : 'mounts volume'} ${quote(name)} at ${quote(mountPath)}`;

/** @throws PATH_CLASH when the innermost mount around one of ours is one in which no folder can be made */
function checkOurs(
  { name }: Container,
  closed: ReadonlyMap<string, Mount>,
  innermostAbove: (path: string) => string,
  { plan, budget }: Places,
): void {
  for (const mountPath of plan.mounts.keys()) {
    const mount = closed.get(innermostAbove(mountPath));
    if (mount === undefined) continue;
    const title = plan.mountTree.at(mountPath, budget)?.title ?? '';
    const remedy = mount.readOnly === true ? 'mount it elsewhere, or without readOnly' : 'mount it elsewhere';
    throw new LatchkeyError(
      'PATH_CLASH',
      `container ${quote(name)} ${placed(mount)}, where the folder ${quote(mountPath)} of secret ${quote(title)} cannot be made, for it is ${mount.isDevice ? 'a device' : 'read only'}: ${remedy}`,
    );
  }
}
