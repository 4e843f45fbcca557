import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { EnvEntry, VolumeMount } from '#shared/contracts/rule-recipe.ts';
import { type AddOperation, appendTo, escapePointer, prependTo } from './json-patch.ts';
import { covers, type JsonObject } from './json-value.ts';
import { mountedFiles, normalPath } from './mounted-file.ts';
import { brief, quote } from './plain-text.ts';
import { nameInitContainers } from './planned-init-container.ts';
import { type PlannedVolume, renderVolume, type VolumeNames } from './planned-volume.ts';
import type { Container, Pod } from './pod.ts';
import type { PodPlan } from './pod-plan.ts';

/** Annotation by which the pod reports what was injected. */
const reportAnnotation = 'latchkey.dev/injected';

const longestVolumeName = 63;
/** More additions than this make a pod that the API server cannot store (etcd takes 1.5 MiB). */
const mostAdditions = 50_000;

/**
 * The smallest patch that gives the pod what the plan wants; empty when it has it all.
 * What the user wrote is never changed: a variable of the same name hides the secret's (with a warning), another
 * volume of the same name makes ours take the next free name.
 * @param report value of the report annotation
 * @throws LatchkeyError PATH_CLASH when the user mounts something else at our path, or over a file below it
 */
export function patchPod(
  pod: Pod,
  plan: PodPlan,
  report: string,
): { patch: AddOperation[]; warnings: string[] } {
  const volumes = nameVolumes(pod, plan);
  const initContainers = nameInitContainers(pod, plan.initContainers, volumes.names);
  const users = [...pod.containers, ...(pod.initContainers ?? [])].filter(
    ({ source }) => !initContainers.present.has(source),
  );
  if (users.length * (plan.env.size + plan.mounts.size) > mostAdditions) {
    throw new LatchkeyError(
      'TOO_MANY_SECRETS',
      'the pod has too many containers for that many secrets: ask for fewer secrets',
    );
  }
  const warnings: string[] = [];
  const files = mountedFiles(plan);
  for (const container of users) checkFilesVisible(container, files);
  const patch = [
    ...annotationOperations(pod, plan, report),
    ...appendTo('/spec/volumes', pod.volumes, volumes.missing),
    ...users.flatMap((container) => [
      ...appendTo(`${container.path}/env`, container.env, missingEnv(container, plan, warnings)),
      ...appendTo(
        `${container.path}/volumeMounts`,
        container.volumeMounts,
        missingMounts(container, plan, volumes.names),
      ),
    ]),
    // Last, for it moves the places of the others.
    ...prependTo('/spec/initContainers', pod.initContainers, initContainers.missing),
  ];
  return { patch, warnings };
}

function annotationOperations(pod: Pod, plan: PodPlan, report: string): AddOperation[] {
  const wanted = [...plan.annotations].filter(([name]) => !Object.hasOwn(pod.annotations, name));
  const operations = wanted.map(([name, { value }]) => [name, value] as const);
  if (pod.annotations[reportAnnotation] !== report) operations.push([reportAnnotation, report]);
  return operations.map(([name, value]) => ({
    op: 'add',
    path: `/metadata/annotations/${escapePointer(name)}`,
    value,
  }));
}

/** Gives every volume of ours its own name, or the name under which the pod already has it. */
function nameVolumes(pod: Pod, plan: PodPlan): { names: VolumeNames; missing: JsonObject[] } {
  const present = new Map((pod.volumes ?? []).map((volume) => [volume.name, volume]));
  const names = new Map<PlannedVolume, string>();
  const taken = new Set<string>();
  const missing: JsonObject[] = [];
  for (const volume of plan.volumes) {
    for (let attempt = 1; !names.has(volume); attempt++) {
      const suffix = attempt === 1 ? '' : `-${attempt}`;
      const name = volume.name.slice(0, longestVolumeName - suffix.length) + suffix;
      const wanted = renderVolume(volume, name);
      const other = present.get(name);
      if (taken.has(name) || (other !== undefined && !covers(other, wanted))) continue;
      if (other === undefined) missing.push(wanted);
      names.set(volume, name);
      taken.add(name);
    }
  }
  return { names, missing };
}

function missingEnv(container: Container, plan: PodPlan, warnings: string[]): EnvEntry[] {
  // Of several variables of one name the last one counts.
  const present = new Map((container.env ?? []).map((entry) => [entry.name, entry]));
  const missing: EnvEntry[] = [];
  for (const [name, { value: entry, secrets }] of plan.env) {
    const other = present.get(name);
    if (other === undefined) missing.push(entry);
    else if (
      !covers(other, 'value' in entry ? { ...entry, valueFrom: undefined } : { ...entry, value: '' })
    ) {
      const more = secrets.length > 1 ? ` and ${secrets.length - 1} more` : '';
      const [variable, title] = [brief(name), brief(secrets[0] ?? '')];
      warnings.push(`${variable} of container ${brief(container.name)} hides secret ${title}${more}`);
    }
  }
  return missing;
}

function missingMounts(container: Container, plan: PodPlan, names: VolumeNames): VolumeMount[] {
  const missing: VolumeMount[] = [];
  for (const [mountPath, { value, secrets }] of plan.mounts) {
    const mount = { name: names.get(value.volume) ?? value.volume.name, readOnly: value.readOnly, mountPath };
    const other = container.volumeMounts?.find((present) => samePath(present.mountPath, mountPath));
    if (other === undefined) missing.push(mount);
    else if (!covers(other, { ...mount, subPath: '', subPathExpr: '' })) {
      throw new LatchkeyError(
        'PATH_CLASH',
        `container ${quote(container.name)} already mounts volume ${quote(String(other.name))} at ${quote(mountPath)}, where secret ${quote(secrets[0] ?? '')} belongs: mount it elsewhere`,
      );
    }
  }
  return missing;
}

function samePath(path: unknown, mountPath: string): boolean {
  return typeof path === 'string' && normalPath(path) === normalPath(mountPath);
}

/** A mount of the user's below ours is allowed unless it hides a file: the task would run without its secret. */
function checkFilesVisible(container: Container, files: ReturnType<typeof mountedFiles>): void {
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const hidden = typeof mountPath === 'string' ? files.get(normalPath(mountPath)) : undefined;
    if (hidden === undefined) continue;
    throw new LatchkeyError(
      'PATH_CLASH',
      `container ${quote(container.name)} mounts volume ${quote(String(name))} at ${quote(String(mountPath))}, which would hide the file ${quote(hidden.path)} of secret ${quote(hidden.title)}: mount it elsewhere`,
    );
  }
}
