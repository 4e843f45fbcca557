import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { VolumeMount } from '#shared/contracts/rules/rule-recipe.ts';
import { additionSteps, comparisonSteps, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { isSuperset } from '#shared/core/text/json-object.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import { type Addition, addition } from './add-operation.ts';
import { normalMountPath, windowsMountPath } from './mount-path.ts';
import { checkNestedMounts, type UserVolumes } from './nested-mounts.ts';
import { pathSteps } from './path-tree.ts';
import type { PlannedVolume, VolumeNames } from './planned-volume.ts';
import type { Container, Mount } from './pod.ts';
import { firstOf, type PodPlan } from './pod-plan.ts';

/** A mount that every container is to have, with the first secret that wants it. */
export interface WantedMount extends Addition<VolumeMount> {
  title: string;
  volume: PlannedVolume;
}

/** Longest path that Linux takes (PATH_MAX): at a longer one nothing can be mounted. */
const longestMountPath = 4_096;

/** Writes the mounts of a plan, as long as each volume has the name of its choice. */
export const wantedMounts = (mounts: PodPlan['mounts']): WantedMount[] =>
  Array.from(mounts, ([mountPath, { value, secrets }]) => {
    const { volume, readOnly } = value;
    const mount = { name: volume.name, readOnly, mountPath };
    return { ...addition(mount), title: firstOf(secrets), volume };
  });

/** Writes those mounts anew whose volume has another name in the pod. */
export const namedMounts = (mounts: readonly WantedMount[], names: VolumeNames): WantedMount[] =>
  mounts.map((mount) => {
    const name = names.get(mount.volume) ?? mount.volume.name;
    if (name === mount.value.name) return mount;
    return { ...mount, ...addition({ ...mount.value, name }) };
  });

/**
 * The mounts of ours that a container lacks. One is not read only where a mount of the user's lies inside it.
 * @throws PATH_CLASH when it mounts something else at our path, over a file below it, or where one of both has no place
 * in the other; POD_MALFORMED, POD_TOO_LARGE
 */
export function missingMounts(
  container: Container,
  wanted: readonly WantedMount[],
  places: { plan: PodPlan; volumes: UserVolumes; budget: WorkBudget; isWindows: boolean },
): Addition[] {
  const { budget, isWindows } = places;
  const mountsByPath = indexMounts(container, budget, isWindows ? windowsMountPath : normalMountPath);
  const { opened, isNested } = checkNestedMounts(container, mountsByPath, places);
  const missing: Addition[] = [];
  for (const each of wanted) {
    const { value, title } = each;
    const isOpened = opened.has(value.mountPath);
    const mount = isOpened ? { ...value, readOnly: false } : value;
    const other = mountsByPath.get(isWindows ? mount.mountPath.toLowerCase() : mount.mountPath);
    if (other === undefined) {
      budget.spend(mountSteps(each, isNested));
      missing.push(isOpened ? addition(mount) : each);
      continue;
    }
    budget.spend(comparisonSteps);
    if (other.isDevice || !isSuperset(other, { ...mount, subPath: '', subPathExpr: '' })) {
      throw clash(container, { mount, other, title }, isWindows);
    }
  }
  return missing;
}

/** What an added mount costs. Where mounts are nested, all are put in their places the next time, it too. */
const mountSteps = ({ json, value }: WantedMount, isNested: boolean): number =>
  additionSteps(json.length) + (isNested ? pathSteps(value.mountPath) : 0);

function clash(
  container: Container,
  { mount, other, title }: { mount: VolumeMount; other: Mount; title: string },
  isWindows: boolean,
): LatchkeyError {
  const has = other.isDevice ? 'has the device' : 'already mounts volume';
  const spelling = isWindows ? ` (${quote(other.mountPath ?? '')} is the same on Windows)` : '';
  return new LatchkeyError(
    'PATH_CLASH',
    `container ${quote(container.name)} ${has} ${quote(other.name ?? '')} at ${quote(mount.mountPath)}${spelling}, where secret ${quote(title)} belongs: mount it elsewhere`,
  );
}

/**
 * The first mount at each place, by its normal path.
 * @throws POD_MALFORMED when a path is longer than any
 */
function indexMounts(
  container: Container,
  budget: WorkBudget,
  normalPath: (path: string, budget: WorkBudget) => string,
): ReadonlyMap<string, Mount> {
  const byPath = new Map<string, Mount>();
  for (const mount of [...(container.volumeMounts ?? []), ...container.devices]) {
    if (!mount.mountPath) continue;
    checkPathLength(container, mount, mount.mountPath);
    budget.spend(3);
    const path = normalPath(mount.mountPath, budget);
    if (!byPath.has(path)) byPath.set(path, mount);
  }
  return byPath;
}

function checkPathLength(container: Container, { name, isDevice }: Mount, mountPath: string): void {
  if (mountPath.length <= longestMountPath) return;
  throw new LatchkeyError(
    'POD_MALFORMED',
    `container ${quote(container.name)} mounts volume ${quote(name ?? '')} at a path of ${mountPath.length} characters, and Linux takes at most ${longestMountPath}: shorten its ${isDevice ? 'devicePath' : 'mountPath'}`,
  );
}
