import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { Caller } from '#shared/core/rules/policy/policy.ts';
import { isObject, type JsonObject, member } from '#shared/core/text/json-object.ts';

/** The parts of a pod that decide or change, as received; absent and null lists are undefined. */
export interface Pod {
  annotations: Readonly<Record<string, string>>;
  namespace: string | undefined;
  /** Whom a policy judges, but for the namespace, which the request names. */
  identity: Omit<Caller, 'namespace'>;
  /** Whether there is anything to which containers and volumes could be added. */
  hasSpec: boolean;
  /** Whether its containers are for Windows, by its system or the nodes that it chooses. */
  isWindows: boolean;
  volumes: readonly NamedObject[] | undefined;
  containers: readonly Container[];
  initContainers: readonly Container[] | undefined;
}

/** An entry of a list of the pod, whose name is a text or absent. */
export type NamedObject = JsonObject & { name?: string | undefined };
export type Mount = NamedObject & {
  mountPath?: string | undefined;
  /** Whether it is an entry of `volumeDevices`: a file at its `devicePath`, in which nothing has a place. */
  isDevice?: boolean;
};

export interface Container {
  name: string;
  /** JSON pointer in the pod. */
  path: string;
  source: NamedObject;
  env: readonly NamedObject[] | undefined;
  volumeMounts: readonly Mount[] | undefined;
  /** Block devices, as mounts of files at the same paths. */
  devices: readonly Mount[];
}

/**
 * What the API server, which asks before it validates, refuses by itself. Sources: apimachinery
 * pkg/util/validation (DNS1123SubdomainMaxLength, DNS1123LabelMaxLength, LabelValueMaxLength, qualifiedNameMaxLength).
 */
export const longestName = 253;
const longestLabel = 63;
export const longestQualifiedName = 253 + 1 + 63;
/** No pod that can be stored comes near: etcd takes 1.5 MiB. */
const mostEntries = 10_000;

/** Tells whether the pod carries the label that asks for injection. The mirror of a static pod does not count. */
export function asksForSecrets(object: unknown): boolean {
  const metadata = member(object, 'metadata');
  const mirror = member(member(metadata, 'annotations'), 'kubernetes.io/config.mirror');
  return mirror === undefined && member(member(metadata, 'labels'), 'inject-flyte-secrets') === 'true';
}

/**
 * Reads a pod whose types and lengths nobody has checked.
 * @throws POD_MALFORMED when a field is not what it should be, by its path; POD_TOO_LARGE when a list is too long
 */
export function readPod(object: unknown, budget: WorkBudget): Pod {
  if (!isObject(object)) throw malformedPod('the object', 'an object');
  const metadata = readObject(object, 'metadata', '');
  const spec = readObject(object, 'spec', '');
  return {
    annotations: readTexts(metadata, 'annotations', Number.POSITIVE_INFINITY, budget),
    namespace: readText(metadata, 'namespace', 'metadata', longestLabel),
    identity: readIdentity(readTexts(metadata, 'labels', longestLabel, budget), spec),
    hasSpec: spec !== undefined,
    isWindows:
      member(member(spec, 'os'), 'name') === 'windows' ||
      member(member(spec, 'nodeSelector'), 'kubernetes.io/os') === 'windows',
    volumes: readList(spec, 'volumes', 'spec', budget),
    containers: readContainers(spec, 'containers', budget) ?? [],
    initContainers: readContainers(spec, 'initContainers', budget),
  };
}

/** The API server names the service account before it asks; Flyte labels its pods with project and domain. */
function readIdentity(labels: Readonly<Record<string, string>>, spec: unknown): Pod['identity'] {
  const label = (name: string): string | undefined =>
    (Object.hasOwn(labels, name) && labels[name]) || undefined;
  return {
    serviceAccount: readText(spec, 'serviceAccountName', 'spec', longestName) ?? 'default',
    project: label('project'),
    domain: label('domain'),
  };
}

function readContainers(spec: unknown, name: string, budget: WorkBudget): Container[] | undefined {
  return readList(spec, name, 'spec', budget)?.map((source, index) => {
    const where = `spec.${name}[${index}]`;
    return {
      name: source.name ?? String(index),
      path: `/spec/${name}/${index}`,
      source,
      env: readList(source, 'env', where, budget),
      volumeMounts: readMounts(source, where, budget),
      devices: readDevices(source, where, budget),
    };
  });
}

function readMounts(source: NamedObject, where: string, budget: WorkBudget): readonly Mount[] | undefined {
  const mounts = readList(source, 'volumeMounts', where, budget);
  for (const [index, mount] of (mounts ?? []).entries()) {
    const fault = textFault(member(mount, 'mountPath'));
    if (fault !== undefined) throw malformedPod(`${where}.volumeMounts[${index}].mountPath`, fault);
  }
  return mounts;
}

/** Reads block devices. The container has each as a file at its path, where the API server lets nothing be mounted. */
function readDevices(source: NamedObject, where: string, budget: WorkBudget): Mount[] {
  const devices = readList(source, 'volumeDevices', where, budget) ?? [];
  return devices.map((device, index) => {
    const mountPath = member(device, 'devicePath');
    const fault = textFault(mountPath);
    if (fault !== undefined) throw malformedPod(`${where}.volumeDevices[${index}].devicePath`, fault);
    const path = typeof mountPath === 'string' ? { mountPath } : {};
    return { ...(device.name === undefined ? {} : { name: device.name }), ...path, isDevice: true };
  });
}

function readList(
  object: unknown,
  name: string,
  where: string,
  budget: WorkBudget,
): NamedObject[] | undefined {
  const list = member(object, name);
  if (list === undefined || list === null) return undefined;
  const path = `${where}.${name}`;
  if (!Array.isArray(list)) throw malformedPod(path, 'a list of objects');
  checkCount(list.length, path, budget);
  const longest = name === 'env' ? undefined : longestName;
  for (const [index, item] of list.entries()) {
    if (!isObject(item)) throw malformedPod(path, 'a list of objects');
    const fault = textFault(member(item, 'name'), longest);
    if (fault !== undefined) throw malformedPod(`${path}[${index}].name`, fault);
  }
  return list;
}

function readObject(object: unknown, name: string, where: string): JsonObject | undefined {
  const value = member(object, name);
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw malformedPod(`${where}${name}`, 'an object');
  return value;
}

/** A text, undefined where it is absent, null or empty. */
function readText(object: unknown, name: string, where: string, longest: number): string | undefined {
  const value = member(object, name);
  const fault = textFault(value, longest);
  if (fault !== undefined) throw malformedPod(`${where}.${name}`, fault);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Says what a value should be that is no text, and not absent. @returns undefined when all is well */
function textFault(value: unknown, longest = Number.POSITIVE_INFINITY): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') return 'a text';
  return value.length > longest ? `of at most ${longest} characters` : undefined;
}

/** A map of `metadata`, of which every value is a text of at most `longest` characters. */
function readTexts(
  metadata: unknown,
  name: string,
  longest: number,
  budget: WorkBudget,
): Readonly<Record<string, string>> {
  const where = `metadata.${name}`;
  const texts = member(metadata, name);
  if (texts === undefined || texts === null) return {};
  if (!isObject(texts)) throw malformedPod(where, 'an object of texts');
  const keys = Object.keys(texts);
  checkCount(keys.length, where, budget);
  for (const key of keys) {
    const text = texts[key];
    if (typeof text !== 'string') throw malformedPod(where, 'an object of texts');
    if (key.length > longestQualifiedName) {
      throw malformedPod(where, `an object of keys of at most ${longestQualifiedName} characters`);
    }
    if (text.length > longest)
      throw malformedPod(where, `an object of texts of at most ${longest} characters`);
  }
  return texts as Record<string, string>;
}

function checkCount(count: number, where: string, budget: WorkBudget): void {
  checkLength(count, () => where);
  budget.spend(count);
}

/** @throws POD_TOO_LARGE when a list or map has more entries than are read, or is to have them */
export function checkLength(count: number, describe: () => string): void {
  if (count <= mostEntries) return;
  const where = describe();
  throw new LatchkeyError(
    'POD_TOO_LARGE',
    `the pod is too large: ${where} has ${count} entries, and at most ${mostEntries} are read`,
    { fields: { where } },
  );
}

export function malformedPod(where: string, what: string): LatchkeyError {
  return new LatchkeyError('POD_MALFORMED', `the pod cannot be read: ${where} is not ${what}`, {
    fields: { where },
  });
}
