import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { isObject, type JsonObject, member } from './json-value.ts';
import type { Caller } from './policy.ts';

/** The parts of a pod that decide or change, as received; absent and null lists are undefined. */
export type Pod = {
  annotations: Readonly<Record<string, string>>;
  namespace: string | undefined;
  /** Whom a policy judges, but for the namespace, which the request names. */
  identity: Omit<Caller, 'namespace'>;
  volumes: readonly JsonObject[] | undefined;
  containers: readonly Container[];
  initContainers: readonly Container[] | undefined;
};

export type Container = {
  name: string;
  /** JSON pointer in the pod. */
  path: string;
  source: JsonObject;
  env: readonly JsonObject[] | undefined;
  volumeMounts: readonly JsonObject[] | undefined;
};

/** Whether the pod carries the label by which its author asks for injection, and is not a mirror of a static pod. */
export function asksForSecrets(object: unknown): boolean {
  const metadata = member(object, 'metadata');
  const mirror = member(member(metadata, 'annotations'), 'kubernetes.io/config.mirror');
  return mirror === undefined && member(member(metadata, 'labels'), 'inject-flyte-secrets') === 'true';
}

/**
 * Reads a pod whose types nobody has checked.
 * @throws LatchkeyError POD_MALFORMED naming the field
 */
export function readPod(object: unknown): Pod {
  const metadata = member(object, 'metadata');
  const namespace = member(metadata, 'namespace');
  const spec = member(object, 'spec');
  if (spec !== undefined && spec !== null && !isObject(spec)) throw malformed('spec', 'an object');
  return {
    annotations: readTexts(member(metadata, 'annotations'), 'metadata.annotations'),
    namespace: typeof namespace === 'string' && namespace !== '' ? namespace : undefined,
    identity: readIdentity(member(metadata, 'labels'), spec),
    volumes: readList(spec, 'volumes', 'spec'),
    containers: readContainers(spec, 'containers') ?? [],
    initContainers: readContainers(spec, 'initContainers'),
  };
}

/** The API server names the service account before it asks; Flyte labels its pods with project and domain. */
function readIdentity(labels: unknown, spec: unknown): Pod['identity'] {
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' ? value : undefined;
  return {
    serviceAccount: text(member(spec, 'serviceAccountName')) ?? 'default',
    project: text(member(labels, 'project')),
    domain: text(member(labels, 'domain')),
  };
}

function readContainers(spec: unknown, name: string): Container[] | undefined {
  return readList(spec, name, 'spec')?.map((source, index) => {
    const where = `spec.${name}[${index}]`;
    return {
      name: String(member(source, 'name') ?? index),
      path: `/spec/${name}/${index}`,
      source,
      env: readList(source, 'env', where),
      volumeMounts: readList(source, 'volumeMounts', where),
    };
  });
}

function readList(object: unknown, name: string, where: string): JsonObject[] | undefined {
  const list = member(object, name);
  if (list === undefined || list === null) return undefined;
  if (!Array.isArray(list) || !list.every(isObject)) throw malformed(`${where}.${name}`, 'a list of objects');
  return list;
}

function readTexts(value: unknown, where: string): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (!isTexts(value)) throw malformed(where, 'an object of texts');
  return value;
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

function malformed(where: string, what: string): LatchkeyError {
  return new LatchkeyError('POD_MALFORMED', `the pod cannot be read: ${where} is not ${what}`, {
    fields: { where },
  });
}
