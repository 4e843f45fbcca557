import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { EnvEntry } from '#shared/contracts/rule-recipe.ts';
import { type AddOperation, appendTo, escapePointer, prependTo } from './json-patch.ts';
import { covers, type JsonObject } from './json-value.ts';
import { missingMounts, wantedMounts } from './missing-mounts.ts';
import { mountedFiles } from './mounted-file.ts';
import { brief } from './plain-text.ts';
import { nameInitContainers } from './planned-init-container.ts';
import { itemsOf, type PlannedVolume, renderVolume, type VolumeNames } from './planned-volume.ts';
import { type Container, checkLength, malformed, type NamedObject, type Pod } from './pod.ts';
import type { PodPlan } from './pod-plan.ts';
import type { Warnings } from './warnings.ts';
import type { WorkBudget } from './work-budget.ts';

/** Annotation by which the pod reports what was injected. */
const reportAnnotation = 'latchkey.dev/injected';

const longestVolumeName = 63;
/**
 * More additions than this make a pod that the API server cannot store: etcd takes 1.5 MiB, of protobuf, which is up to
 * four times smaller than JSON.
 */
const mostAdditions = 50_000;
const mostAddedCharacters = 8 * 1_024 * 1_024;

/**
 * The smallest patch that gives the pod what the plan wants; empty when it has it all.
 * What the user wrote is never changed: a variable of the same name hides the secret's (with a warning), another
 * volume of the same name makes ours take the next free name.
 * @param report value of the report annotation
 * @throws LatchkeyError PATH_CLASH when the user mounts something else at our path, or over a file below it;
 * TOO_MANY_SECRETS, POD_TOO_LARGE, POD_MALFORMED
 */
export function patchPod(
  pod: Pod,
  plan: PodPlan,
  report: string,
  { budget, warnings }: { budget: WorkBudget; warnings: Warnings },
): AddOperation[] {
  if (!pod.hasSpec) throw malformed('spec', 'an object');
  const volumes = nameVolumes(pod, plan, budget);
  const initContainers = nameInitContainers(pod, plan.initContainers, volumes.names, budget);
  const users = [...pod.containers, ...(pod.initContainers ?? [])].filter(
    ({ source }) => !initContainers.present.has(source),
  );
  const mounts = wantedMounts(plan, volumes.names, budget);
  checkAmount(users.length, [...plan.env.values(), ...mounts], budget);
  const files = mountedFiles(plan, budget);
  checkGrowth('/spec/initContainers', pod.initContainers, initContainers.missing);
  return [
    ...annotationOperations(pod, plan, report),
    ...append('/spec/volumes', pod.volumes, volumes.missing),
    ...users.flatMap((container) => [
      ...append(`${container.path}/env`, container.env, missingEnv(container, plan, warnings)),
      ...append(
        `${container.path}/volumeMounts`,
        container.volumeMounts,
        mounts.length === 0 ? [] : missingMounts(container, mounts, files, budget),
      ),
    ]),
    // Last, for it moves the places of the others.
    ...prependTo('/spec/initContainers', pod.initContainers, initContainers.missing),
  ];
}

/** As appendTo. @throws LatchkeyError POD_TOO_LARGE */
function append(path: string, list: readonly unknown[] | undefined, items: unknown[]): AddOperation[] {
  checkGrowth(path, list, items);
  return appendTo(path, list, items);
}

/**
 * Refuses a list that would be too long with what is added: the API server may ask again about the patched pod, and what
 * was admitted once must not be refused then.
 * @throws LatchkeyError POD_TOO_LARGE
 */
function checkGrowth(path: string, list: readonly unknown[] = [], items: readonly unknown[]): void {
  if (items.length > 0) checkLength(list.length + items.length, path.slice(1).replaceAll('/', '.'));
}

/** @throws LatchkeyError TOO_MANY_SECRETS when no pod can be stored to which every container's share is added */
function checkAmount(containers: number, share: readonly { value: unknown }[], budget: WorkBudget): void {
  const additions = containers * share.length;
  // Few are never too long: the fields of a request that they are made of are bounded.
  const characters =
    additions < 300 ? 0 : containers * JSON.stringify(share.map(({ value }) => value)).length;
  if (additions > mostAdditions || characters > mostAddedCharacters) {
    throw new LatchkeyError(
      'TOO_MANY_SECRETS',
      'the pod has too many containers for that many secrets: ask for fewer secrets',
    );
  }
  budget.spend(5 * additions + Math.ceil(characters / 64));
}

function annotationOperations(pod: Pod, plan: PodPlan, report: string): AddOperation[] {
  const wanted = [...plan.annotations].filter(([name]) => !Object.hasOwn(pod.annotations, name));
  const operations = wanted.map(([name, { value }]) => [name, value] as const);
  if (pod.annotations[reportAnnotation] !== report) operations.push([reportAnnotation, report]);
  checkGrowth('/metadata/annotations', Object.keys(pod.annotations), operations);
  return operations.map(([name, value]) => ({
    op: 'add',
    path: `/metadata/annotations/${escapePointer(name)}`,
    value,
  }));
}

/** Gives every volume of ours its own name, or the name under which the pod already has it. */
function nameVolumes(
  pod: Pod,
  plan: PodPlan,
  budget: WorkBudget,
): { names: VolumeNames; missing: JsonObject[] } {
  const present = new Map((pod.volumes ?? []).map((volume) => [volume.name ?? '', volume]));
  const names = new Map<PlannedVolume, string>();
  const taken = new Set<string>();
  const missing: JsonObject[] = [];
  for (const volume of plan.volumes) {
    const name = nameOf(volume, (candidate) => {
      budget.spend(2);
      const other = present.get(candidate);
      return !taken.has(candidate) && (other === undefined || hasContent(other, volume, budget));
    });
    if (!present.has(name)) missing.push(renderVolume(volume, name));
    names.set(volume, name);
    taken.add(name);
  }
  return { names, missing };
}

/** The first of a volume's names (`name`, `name-2` and so on) that can be had. */
function nameOf(volume: PlannedVolume, isToBeHad: (name: string) => boolean): string {
  for (let attempt = 1; ; attempt++) {
    const suffix = attempt === 1 ? '' : `-${attempt}`;
    const name = volume.name.slice(0, longestVolumeName - suffix.length) + suffix;
    if (isToBeHad(name)) return name;
  }
}

function hasContent(other: NamedObject, volume: PlannedVolume, budget: WorkBudget): boolean {
  const items = itemsOf(volume).length;
  budget.spend(20 * (1 + items));
  return covers(other, renderVolume(volume, other.name ?? ''));
}

function missingEnv(container: Container, plan: PodPlan, warnings: Warnings): EnvEntry[] {
  const present = new Map<string, NamedObject>();
  for (const entry of container.env ?? []) {
    // Of several variables of one name the last one counts.
    if (entry.name && plan.env.has(entry.name)) present.set(entry.name, entry);
  }
  const missing: EnvEntry[] = [];
  for (const [name, { value: entry, secrets }] of plan.env) {
    const other = present.get(name);
    if (other === undefined) missing.push(entry);
    else if (
      !covers(other, 'value' in entry ? { ...entry, valueFrom: undefined } : { ...entry, value: '' })
    ) {
      warnings.add(() => {
        const more = secrets.length > 1 ? ` and ${secrets.length - 1} more` : '';
        const [variable, title] = [brief(name), brief(secrets[0] ?? '')];
        return `${variable} of container ${brief(container.name)} hides secret ${title}${more}`;
      });
    }
  }
  return missing;
}
