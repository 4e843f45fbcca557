import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Warnings } from '#shared/core/bounds/warnings.ts';
import {
  additionSteps,
  comparisonSteps,
  nameSteps,
  type WorkBudget,
} from '#shared/core/bounds/work-budget.ts';
import { isSuperset } from '#shared/core/text/json-object.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import {
  type Addition,
  addAt,
  addition,
  appendTo,
  escapePointer,
  type WrittenOperation,
} from './add-operation.ts';
import { createReferenceSearch } from './early-references.ts';
import { missingEnv } from './missing-env.ts';
import { missingMounts, namedMounts } from './missing-mounts.ts';
import { userVolumes } from './nested-mounts.ts';
import { placeInitContainers } from './place-init-containers.ts';
import { nameInitContainers } from './planned-init-container.ts';
import { itemCount, type PlannedVolume, renderVolume, type VolumeNames } from './planned-volume.ts';
import { checkLength, malformedPod, type NamedObject, type Pod } from './pod.ts';
import { firstOf, type PodPlan } from './pod-plan.ts';

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
 * Makes the smallest patch that gives the pod what the plan wants; empty when it has it all.
 * What the user wrote is never changed: an annotation stays unless the secret depends on it, a variable of the same name hides
 * the secret's (with a warning), another volume of the same name makes ours take the next free name.
 * @param options value of the report annotation, and which containers get no secrets
 * @throws PATH_CLASH when the user mounts something else at our path, over a file below it, or where one has no place in
 * the other; VARIABLE_CLASH when an annotation of the pod keeps a secret away; TOO_MANY_SECRETS, POD_TOO_LARGE, POD_MALFORMED
 */
export function patchPod(
  pod: Pod,
  plan: PodPlan,
  { report, isSkipped }: { report: Addition<string>; isSkipped: (container: string) => boolean },
  { budget, warnings }: { budget: WorkBudget; warnings: Warnings },
): WrittenOperation[] {
  if (!pod.hasSpec) throw malformedPod('spec', 'an object');
  checkSystem(pod, plan);
  const volumes = nameVolumes(pod, plan, budget);
  const initContainers = nameInitContainers(pod, plan.initContainers, volumes.names, budget);
  const users = [...pod.containers, ...(pod.initContainers ?? [])].filter(
    ({ source, name }) => !initContainers.present.has(source) && !isSkipped(name),
  );
  const mounts = namedMounts(plan.wantedMounts, volumes.names);
  const env = plan.wantedEnv;
  checkAmount(users.length, [...env.values(), ...mounts]);
  const references = createReferenceSearch(budget);
  const places = { plan, volumes: userVolumes(pod, budget), budget, isWindows: pod.isWindows };
  checkGrowth('/spec/initContainers', pod.initContainers, initContainers.missing);
  return [
    ...annotationOperations(pod, plan, report, budget),
    ...append('/spec/volumes', pod.volumes, volumes.missing),
    ...users.flatMap((container) => [
      ...append(
        `${container.path}/env`,
        container.env,
        missingEnv(container, env, { budget, warnings, references }),
      ),
      ...append(
        `${container.path}/volumeMounts`,
        container.volumeMounts,
        mounts.length === 0 ? [] : missingMounts(container, mounts, places),
      ),
    ]),
    // Last, for it moves the places of the others.
    ...placeInitContainers(
      pod,
      initContainers.missing,
      { isOurs: (source) => initContainers.present.has(source), isSkipped },
      { budget, warnings },
    ),
  ];
}

/** @throws POD_MALFORMED when a secret is fetched by a container that does not run where the pod is to run */
function checkSystem(pod: Pod, plan: PodPlan): void {
  const fetched = pod.isWindows ? plan.initContainers.find(({ os }) => os === 'linux') : undefined;
  if (fetched === undefined) return;
  throw new LatchkeyError(
    'POD_MALFORMED',
    `the pod is for Windows, and secret ${quote(fetched.title)} is fetched by a container for Linux: ask for it from another secret manager, or run the task on Linux`,
  );
}

/** Appends like {@link appendTo}. @throws POD_TOO_LARGE when the list would be too long */
function append(
  path: string,
  list: readonly unknown[] | undefined,
  items: readonly Addition[],
): WrittenOperation[] {
  checkGrowth(path, list, items);
  return appendTo(path, list, items);
}

/**
 * Refuses a list that would be too long with what is added: the API server may ask again about the patched pod, and what
 * was admitted once must not be refused then.
 * @throws POD_TOO_LARGE when it would be
 */
function checkGrowth(path: string, list: readonly unknown[] = [], items: readonly unknown[]): void {
  if (items.length > 0) checkLength(list.length + items.length, () => path.slice(1).replaceAll('/', '.'));
}

/** @throws TOO_MANY_SECRETS when no pod can be stored to which every container's share is added */
function checkAmount(containers: number, share: readonly Addition[]): void {
  const characters = share.reduce((sum, { json }) => sum + json.length, 0);
  if (containers * share.length <= mostAdditions && containers * characters <= mostAddedCharacters) return;
  throw new LatchkeyError(
    'TOO_MANY_SECRETS',
    'the pod has too many containers for that many secrets: ask for fewer secrets',
  );
}

function annotationOperations(
  pod: Pod,
  plan: PodPlan,
  report: Addition<string>,
  budget: WorkBudget,
): WrittenOperation[] {
  const wanted = [...plan.annotations].filter(([name]) => !Object.hasOwn(pod.annotations, name));
  checkAnnotations(pod, plan, budget);
  const missing = wanted.map(([name, { value: annotation }]) => [name, addition(annotation.value)] as const);
  if (pod.annotations[reportAnnotation] !== report.value) missing.push([reportAnnotation, report]);
  checkGrowth('/metadata/annotations', Object.keys(pod.annotations), missing);
  return missing.flatMap(([name, text]) => {
    budget.spend(additionSteps(name.length + text.value.length));
    return addAt(`/metadata/annotations/${escapePointer(name)}`, [text]);
  });
}

/**
 * Refuses annotations of the pod that would keep a secret away, for who acts on them tells nobody.
 * @throws VARIABLE_CLASH with the annotation's name
 */
function checkAnnotations({ annotations }: Pod, plan: PodPlan, budget: WorkBudget): void {
  for (const [name, { value: wanted, secrets }] of plan.annotations) {
    const { value, fixed = false, forbids = [] } = wanted;
    const isPresent = Object.hasOwn(annotations, name);
    if (isPresent && fixed && annotations[name] !== value) throw annotationClash(name, secrets);
    if (isPresent) continue;
    budget.spend(comparisonSteps * forbids.length);
    const forbidden = forbids.find((other) => Object.hasOwn(annotations, other));
    if (forbidden !== undefined) throw annotationClash(forbidden, secrets);
  }
}

function annotationClash(name: string, secrets: Iterable<string>): LatchkeyError {
  return new LatchkeyError(
    'VARIABLE_CLASH',
    `annotation ${quote(name)} of the pod would keep secret ${quote(firstOf(secrets))} away from it: remove the annotation from the pod template`,
  );
}

/** Gives every volume of ours its own name, or the name under which the pod already has it. */
function nameVolumes(
  pod: Pod,
  plan: PodPlan,
  budget: WorkBudget,
): { names: VolumeNames; missing: Addition[] } {
  budget.spend(nameSteps * (pod.volumes?.length ?? 0));
  const present = new Map((pod.volumes ?? []).map((volume) => [volume.name ?? '', volume]));
  const names = new Map<PlannedVolume, string>();
  const taken = new Set<string>();
  const missing: Addition[] = [];
  for (const volume of plan.volumes) {
    const name = nameOf(volume, (candidate) => {
      budget.spend(2);
      const other = present.get(candidate);
      return !taken.has(candidate) && (other === undefined || hasContent(other, volume, budget));
    });
    if (!present.has(name)) missing.push(newVolume(plan, volume, name, budget));
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

/** Steps to render a volume and compare it with one of the pod. */
const volumeSteps = (volume: PlannedVolume): number => 20 * (1 + itemCount(volume));

function hasContent(other: NamedObject, volume: PlannedVolume, budget: WorkBudget): boolean {
  budget.spend(volumeSteps(volume));
  if (isSuperset(other, renderVolume(volume, other.name ?? ''))) return true;
  // As an earlier version wrote it, or a manager with an open inventory: a restored pod brings it along.
  budget.spend(volumeSteps(volume));
  return isSuperset(other, renderVolume(volume, other.name ?? '', { asOptional: true }));
}

function newVolume(plan: PodPlan, volume: PlannedVolume, name: string, budget: WorkBudget): Addition {
  const own = plan.wantedVolumes.get(volume);
  const written = own !== undefined && name === volume.name ? own : addition(renderVolume(volume, name));
  budget.spend(volumeSteps(volume) + additionSteps(written.json.length));
  return written;
}
