import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { VolumeMount } from '#shared/contracts/rules/rule-recipe.ts';
import { additionSteps, comparisonSteps, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { isSuperset } from '#shared/core/text/json-object.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import { normalMountPath, windowsMountPath } from './mount-path.ts';
import { checkNestedMounts, type UserVolumes } from './nested-mounts.ts';
import type { VolumeNames } from './planned-volume.ts';
import type { Container, Mount } from './pod.ts';
import { firstOf, type PodPlan } from './pod-plan.ts';

/** A mount that every container is to have, with the first secret that wants it. */
interface WantedMount {
  value: VolumeMount;
  title: string;
  /** Length of the mount in the patch. */
  characters: number;
}

/** Longest path that Linux takes (PATH_MAX): at a longer one nothing can be mounted. */
const longestMountPath = 4_096;

export function wantedMounts(plan: PodPlan, names: VolumeNames): WantedMount[] {
  return Array.from(plan.mounts, ([mountPath, { value, secrets }]) => {
    const name = names.get(value.volume) ?? value.volume.name;
    const mount = { name, readOnly: value.readOnly, mountPath };
    return {
      value: mount,
      title: firstOf(secrets),
      characters: JSON.stringify(mount).length,
    };
  });
}

/**
 * The mounts of ours that a container lacks. One is not read only where a mount of the user's lies inside it.
 * @throws PATH_CLASH when it mounts something else at our path, over a file below it, or where one of both has no place
 * in the other; POD_MALFORMED, POD_TOO_LARGE
 */
export function missingMounts(
  container: Container,
  wanted: readonly WantedMount[],
  places: { plan: PodPlan; volumes: UserVolumes; budget: WorkBudget; isWindows: boolean },
): VolumeMount[] {
  const { budget, isWindows } = places;
  const mountsByPath = indexMounts(container, budget, isWindows ? windowsMountPath : normalMountPath);
  const opened = checkNestedMounts(container, mountsByPath, places);
  const missing: VolumeMount[] = [];
  for (const { value, title, characters } of wanted) {
    const mount = opened.has(value.mountPath) ? { ...value, readOnly: false } : value;
    const other = mountsByPath.get(isWindows ? mount.mountPath.toLowerCase() : mount.mountPath);
    budget.spend(other === undefined ? additionSteps(characters) : comparisonSteps);
    if (other === undefined) missing.push(mount);
    else if (!isSuperset(other, { ...mount, subPath: '', subPathExpr: '' })) {
      throw clash(container, { mount, other, title }, isWindows);
    }
  }
  return missing;
}

function clash(
  container: Container,
  { mount, other, title }: { mount: VolumeMount; other: Mount; title: string },
  isWindows: boolean,
): LatchkeyError {
  const spelling = isWindows ? ` (${quote(other.mountPath ?? '')} is the same on Windows)` : '';
  return new LatchkeyError(
    'PATH_CLASH',
    `container ${quote(container.name)} already mounts volume ${quote(other.name ?? '')} at ${quote(mount.mountPath)}${spelling}, where secret ${quote(title)} belongs: mount it elsewhere`,
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
  for (const mount of container.volumeMounts ?? []) {
    if (!mount.mountPath) continue;
    checkPathLength(container, mount, mount.mountPath);
    budget.spend(3);
    const path = normalPath(mount.mountPath, budget);
    if (!byPath.has(path)) byPath.set(path, mount);
  }
  return byPath;
}

function checkPathLength(container: Container, { name }: Mount, mountPath: string): void {
  if (mountPath.length <= longestMountPath) return;
  throw new LatchkeyError(
    'POD_MALFORMED',
    `container ${quote(container.name)} mounts volume ${quote(name ?? '')} at a path of ${mountPath.length} characters, and Linux takes at most ${longestMountPath}: shorten its mountPath`,
  );
}
