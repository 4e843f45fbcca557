import { isDeepStrictEqual } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Annotation, Edit, EnvEntry, Volume } from '#shared/contracts/rules/rule-recipe.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import { type Addition, addition } from './add-operation.ts';
import { type WantedVariable, wantedEnv } from './missing-env.ts';
import { type WantedMount, wantedMounts } from './missing-mounts.ts';
import { normalMountPath } from './mount-path.ts';
import { checkOwnMounts, type OwnMount } from './own-mounts.ts';
import { createPathTree, type PathTree } from './path-tree.ts';
import { addFile, type PlannedFile } from './planned-file.ts';
import type { PlannedInitContainer } from './planned-init-container.ts';
import { mergeSecret, newSecretVolume, type PlannedVolume, renderVolume } from './planned-volume.ts';
import { longestName, longestQualifiedName } from './pod.ts';

/** Something that the pod is to have, and the secrets (their titles) for which. */
interface Wanted<T> {
  value: T;
  secrets: Set<string>;
}

/** The secret to be named of those that want a thing. */
export function firstOf([title = '']: Iterable<string>): string {
  return title;
}

/** All that the requests of one pod want added, before anybody looks at the pod. */
export interface PodPlan {
  env: Map<string, Wanted<EnvEntry>>;
  volumes: PlannedVolume[];
  /** By mount path, which is normal. */
  mounts: Map<string, Wanted<{ volume: PlannedVolume; readOnly: boolean | undefined }>>;
  /** The same by their place. */
  mountTree: PathTree<OwnMount>;
  /** One for each request that wants one, in the order of the requests. */
  initContainers: PlannedInitContainer[];
  annotations: Map<string, Wanted<Annotation>>;
  files: PlannedFile[];
  fileTree: PathTree<PlannedFile>;
  /** What each container is to have, and the volumes under the names of their choice, as they are written into a patch. */
  wantedEnv: ReadonlyMap<string, WantedVariable>;
  wantedMounts: readonly WantedMount[];
  wantedVolumes: ReadonlyMap<PlannedVolume, Addition>;
}

/** A plan before anything of it is written. */
type Joined = Omit<PodPlan, 'wantedEnv' | 'wantedMounts' | 'wantedVolumes'>;

/**
 * Joins the edits of all requests: equal wishes are one, and volumes mounted at one path are one.
 * @param grants the rendered edits of each request, in the order of the requests
 * @throws VARIABLE_CLASH, PATH_CLASH when two secrets want one place
 */
export function planPod(grants: readonly { title: string; edits: Edit[] }[], budget: WorkBudget): PodPlan {
  const plan: Joined = {
    env: new Map(),
    volumes: [],
    mounts: new Map(),
    mountTree: createPathTree(),
    initContainers: [],
    annotations: new Map(),
    files: [],
    fileTree: createPathTree(),
  };
  const draft: Draft = { plan, volumesByName: new Map(), budget };
  for (const { title, edits: written } of grants) {
    const edits = written.map((edit) => withNormalPath(edit, budget));
    // Each volume looks for its mount among all of them.
    budget.spend(10 * edits.length + Math.ceil(edits.length ** 2 / 32));
    const volumes = planVolumes(draft, title, edits);
    for (const edit of edits) planEdit(plan, title, edit, volumes);
    const mountPaths = edits.flatMap((edit) => ('volumeMount' in edit ? [edit.volumeMount.mountPath] : []));
    for (const edit of edits) {
      if (!('file' in edit)) continue;
      const file = { ...edit.file, title, mountPaths };
      addFile(plan.fileTree, file, budget);
      plan.files.push(file);
    }
  }
  for (const [mountPath, { value, secrets }] of plan.mounts) {
    plan.mountTree.add(mountPath, { mountPath, title: firstOf(secrets), volume: value.volume }, budget);
  }
  checkOwnMounts(plan, budget);
  openOuterMounts(plan, budget);
  return {
    ...plan,
    wantedEnv: wantedEnv(plan.env),
    wantedMounts: wantedMounts(plan.mounts),
    wantedVolumes: new Map(
      plan.volumes.map((volume) => [volume, addition(renderVolume(volume, volume.name))]),
    ),
  };
}

/** Writes a place as the kubelet takes it, so that one place has one name. */
function withNormalPath(edit: Edit, budget: WorkBudget): Edit {
  if ('volumeMount' in edit && edit.volumeMount.mountPath !== '') {
    const mountPath = normalMountPath(edit.volumeMount.mountPath, budget);
    if (mountPath === edit.volumeMount.mountPath) return edit;
    return { ...edit, volumeMount: { ...edit.volumeMount, mountPath } };
  }
  if ('file' in edit)
    return { ...edit, file: { ...edit.file, path: normalMountPath(edit.file.path, budget) } };
  return edit;
}

/** A plan in the making, and where to find what it has. */
interface Draft {
  plan: Joined;
  /** The first of each name. */
  volumesByName: Map<string, PlannedVolume>;
  budget: WorkBudget;
}

/** The container runtime makes the folder of a mount inside another mount, which must therefore be writable. */
function openOuterMounts({ mounts, mountTree }: Joined, budget: WorkBudget): void {
  for (const [outer, { value }] of mounts) {
    if (mountTree.firstBelow(outer, budget) !== undefined) value.readOnly = false;
  }
}

function planEdit(plan: Joined, title: string, edit: Edit, volumes: Map<string, PlannedVolume>): void {
  if ('env' in edit) {
    checkName(edit.env.name, title, 'environment variable');
    want(plan.env, edit.env.name, edit.env, title, 'VARIABLE_CLASH', 'environment variable');
  } else if ('volumeMount' in edit) {
    const { name, mountPath, readOnly } = edit.volumeMount;
    const volume = volumes.get(name);
    if (volume !== undefined) {
      checkName(mountPath, title, 'mount path');
      want(plan.mounts, mountPath, { volume, readOnly }, title, 'PATH_CLASH', 'mount path');
    }
  } else if ('annotation' in edit) {
    const { name } = edit.annotation;
    checkName(name, title, 'annotation', longestQualifiedName);
    want(plan.annotations, name, edit.annotation, title, 'VARIABLE_CLASH', 'annotation');
  } else if ('initContainer' in edit) {
    checkName(edit.initContainer.name, title, 'init container', longestName - placeCharacters);
    const { initContainer: container, os, position } = edit;
    plan.initContainers.push({ container, title, os, position, volumes });
  }
}

/** Length of the number that an init container's name gets. */
const placeCharacters = '-10000'.length;

/** @throws NAME_IMPOSSIBLE when no pod can be created with the name, and none is read again */
function checkName(name: string, title: string, noun: string, longest = Number.POSITIVE_INFINITY): void {
  if (name !== '' && name.length <= longest) return;
  const fault =
    name === '' ? 'an empty name: a "when" should leave it out' : `a name of more than ${longest} characters`;
  throw new LatchkeyError(
    'NAME_IMPOSSIBLE',
    `the recipe gives the ${noun} of secret ${quote(title)} ${fault}`,
  );
}

/** The volumes of one request by the name that its edits use. */
function planVolumes(draft: Draft, title: string, edits: Edit[]): Map<string, PlannedVolume> {
  const volumes = new Map<string, PlannedVolume>();
  for (const edit of edits) {
    if ('volume' in edit) volumes.set(edit.volume.name, planVolume(draft, title, edit.volume, edits));
  }
  return volumes;
}

function planVolume(draft: Draft, title: string, volume: Volume, edits: Edit[]): PlannedVolume {
  const { plan, volumesByName, budget } = draft;
  const mount = edits.find((edit) => 'volumeMount' in edit && edit.volumeMount.name === volume.name);
  const mountPath = mount !== undefined && 'volumeMount' in mount ? mount.volumeMount.mountPath : undefined;
  const shared =
    mountPath === undefined ? volumesByName.get(volume.name) : plan.mounts.get(mountPath)?.value.volume;
  if (!('secret' in volume)) {
    if (shared !== undefined && isDeepStrictEqual({ ...shared, name: volume.name }, volume)) return shared;
    return addVolume(draft, volume);
  }
  if (shared !== undefined && 'secrets' in shared) {
    mergeSecret(shared, volume.secret, title, budget);
    return shared;
  }
  const planned = newSecretVolume(volume.name);
  mergeSecret(planned, volume.secret, title, budget);
  return addVolume(draft, planned);
}

function addVolume<T extends PlannedVolume>({ plan, volumesByName }: Draft, volume: T): T {
  plan.volumes.push(volume);
  if (!volumesByName.has(volume.name)) volumesByName.set(volume.name, volume);
  return volume;
}

function want<T>(
  wanted: Map<string, Wanted<T>>,
  name: string,
  value: T,
  title: string,
  code: 'VARIABLE_CLASH' | 'PATH_CLASH',
  noun: string,
): void {
  const known = wanted.get(name);
  if (known === undefined) {
    wanted.set(name, { value, secrets: new Set([title]) });
  } else if (known.value !== value && !isDeepStrictEqual(known.value, value)) {
    throw new LatchkeyError(
      code,
      `secrets ${quote(firstOf(known.secrets))} and ${quote(title)} both want the ${noun} ${quote(name)}: rename one of them, or ask for only one in this task`,
    );
  } else known.secrets.add(title);
}
