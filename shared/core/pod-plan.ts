import { isDeepStrictEqual } from 'node:util';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Edit, EnvEntry, Volume } from '#shared/contracts/rule-recipe.ts';
import { isWithin } from './mount-path.ts';
import { quote } from './plain-text.ts';
import { addFile, checkVisible, type PlannedFile } from './planned-file.ts';
import type { PlannedInitContainer } from './planned-init-container.ts';
import { mergeSecret, type PlannedVolume } from './planned-volume.ts';
import type { WorkBudget } from './work-budget.ts';

/** Something that the pod is to have, and the secrets (their titles) for which. */
type Wanted<T> = { value: T; secrets: string[] };

/** All that the requests of one pod want added, before anybody looks at the pod. */
export type PodPlan = {
  env: Map<string, Wanted<EnvEntry>>;
  volumes: PlannedVolume[];
  /** By mount path. */
  mounts: Map<string, Wanted<{ volume: PlannedVolume; readOnly: boolean | undefined }>>;
  /** One for each request that wants one, in the order of the requests. */
  initContainers: PlannedInitContainer[];
  annotations: Map<string, Wanted<string>>;
  files: PlannedFile[];
};

/**
 * Joins the edits of all requests: equal wishes are one, and volumes mounted at one path are one.
 * @param grants the rendered edits of each request, in the order of the requests
 * @throws LatchkeyError VARIABLE_CLASH or PATH_CLASH where two secrets want one place, POD_TOO_LARGE
 */
export function planPod(grants: readonly { title: string; edits: Edit[] }[], budget: WorkBudget): PodPlan {
  const plan: PodPlan = {
    env: new Map(),
    volumes: [],
    mounts: new Map(),
    initContainers: [],
    annotations: new Map(),
    files: [],
  };
  for (const { title, edits } of grants) {
    // Each edit is held against those of the same kind before it.
    budget.spend(edits.length * (20 + plan.files.length + plan.volumes.length));
    const volumes = planVolumes(plan, title, edits);
    for (const edit of edits) planEdit(plan, title, edit, volumes);
    const mountPaths = edits.flatMap((edit) => ('volumeMount' in edit ? [edit.volumeMount.mountPath] : []));
    for (const edit of edits) if ('file' in edit) addFile(plan.files, { ...edit.file, title, mountPaths });
  }
  budget.spend(plan.mounts.size * (plan.files.length + plan.mounts.size));
  checkVisible(plan.files, plan.mounts);
  openOuterMounts(plan);
  return plan;
}

/** The container runtime makes the folder of a mount inside another mount, which must therefore be writable. */
function openOuterMounts(plan: PodPlan): void {
  const paths = [...plan.mounts.keys()];
  for (const [outer, { value }] of plan.mounts) {
    if (paths.some((path) => path !== outer && isWithin(path, outer))) value.readOnly = false;
  }
}

function planEdit(plan: PodPlan, title: string, edit: Edit, volumes: Map<string, PlannedVolume>): void {
  if ('env' in edit) {
    want(plan.env, edit.env.name, edit.env, title, 'VARIABLE_CLASH', 'environment variable');
  } else if ('volumeMount' in edit) {
    const { name, mountPath, readOnly } = edit.volumeMount;
    const volume = volumes.get(name);
    if (volume !== undefined) {
      want(plan.mounts, mountPath, { volume, readOnly }, title, 'PATH_CLASH', 'mount path');
    }
  } else if ('annotation' in edit) {
    const { name, value } = edit.annotation;
    want(plan.annotations, name, value, title, 'VARIABLE_CLASH', 'annotation');
  } else if ('initContainer' in edit) {
    plan.initContainers.push({ container: edit.initContainer, volumes });
  }
}

/** The volumes of one request by the name that its edits use. */
function planVolumes(plan: PodPlan, title: string, edits: Edit[]): Map<string, PlannedVolume> {
  const volumes = new Map<string, PlannedVolume>();
  for (const edit of edits) {
    if ('volume' in edit) volumes.set(edit.volume.name, planVolume(plan, title, edit.volume, edits));
  }
  return volumes;
}

function planVolume(plan: PodPlan, title: string, volume: Volume, edits: Edit[]): PlannedVolume {
  const mount = edits.find((edit) => 'volumeMount' in edit && edit.volumeMount.name === volume.name);
  const mountPath = mount !== undefined && 'volumeMount' in mount ? mount.volumeMount.mountPath : undefined;
  const shared =
    mountPath === undefined
      ? plan.volumes.find(({ name }) => name === volume.name)
      : plan.mounts.get(mountPath)?.value.volume;
  if (!('secret' in volume)) {
    if (shared !== undefined && isDeepStrictEqual({ ...shared, name: volume.name }, volume)) return shared;
    plan.volumes.push(volume);
    return volume;
  }
  if (shared !== undefined && 'secrets' in shared) {
    mergeSecret(shared, volume.secret, title);
    return shared;
  }
  const planned = { name: volume.name, secrets: [] };
  mergeSecret(planned, volume.secret, title);
  plan.volumes.push(planned);
  return planned;
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
    wanted.set(name, { value, secrets: [title] });
  } else if (!isDeepStrictEqual(known.value, value)) {
    throw new LatchkeyError(
      code,
      `secrets ${quote(known.secrets[0] ?? '')} and ${quote(title)} both want the ${noun} ${quote(name)}: rename one of them, or ask for only one in this task`,
    );
  } else if (!known.secrets.includes(title)) known.secrets.push(title);
}
