import { join } from 'node:path';
import type {
  V1ConfigMap,
  V1Container,
  V1EnvVar,
  V1KeyToPath,
  V1Pod,
  V1Secret,
  V1Volume,
} from '@kubernetes/client-node';

/** ConfigMaps and Secrets of the pod's namespace, by name. */
export interface NamespaceData {
  secrets: ReadonlyMap<string, V1Secret>;
  configMaps: ReadonlyMap<string, V1ConfigMap>;
}
export type Content = ReadonlyMap<string, Uint8Array>;

/** What of a Secret or ConfigMap a container sees: `missing` keeps it from starting, unless it is optional. */
function contentOf(
  object: V1Secret | V1ConfigMap | undefined,
  encoding: 'base64' | 'utf8',
  optional = false,
): Content | 'missing' {
  if (object === undefined) return optional ? new Map() : 'missing';
  return new Map(
    Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, encoding)]),
  );
}

const secretContent = (data: NamespaceData, name = '', optional?: boolean) =>
  contentOf(data.secrets.get(name), 'base64', optional);
const configMapContent = (data: NamespaceData, name = '', optional?: boolean) =>
  contentOf(data.configMaps.get(name), 'utf8', optional);

/** The files of a volume, or `missing`. Throws for a kind of volume that the manifests do not use. */
export function volumeContent(
  { name, secret, configMap, projected }: V1Volume,
  data: NamespaceData,
): Content | 'missing' {
  if (secret) {
    return pickItems(secretContent(data, secret.secretName, secret.optional), secret.items, secret.optional);
  }
  if (configMap) return configMapContent(data, configMap.name, configMap.optional);
  const sources = projected?.sources?.map((source) => source.secret);
  if (sources?.every((source) => source !== undefined && source.items === undefined)) {
    return mergeContents(sources.map((source) => secretContent(data, source?.name, source?.optional)));
  }
  throw new Error(`the harness cannot project the volume ${name}: it has no Secrets or ConfigMap as a whole`);
}

/** Picks the keys that a volume names; one that is not there keeps the container from starting, unless it is optional. */
function pickItems(
  content: Content | 'missing',
  items: readonly V1KeyToPath[] | undefined,
  optional = false,
): Content | 'missing' {
  if (content === 'missing' || items === undefined) return content;
  const picked = new Map<string, Uint8Array>();
  for (const { key, path } of items) {
    const value = content.get(key);
    if (value !== undefined) picked.set(path, value);
    else if (!optional) return 'missing';
  }
  return picked;
}

function mergeContents(contents: readonly (Content | 'missing')[]): Content | 'missing' {
  const merged = new Map<string, Uint8Array>();
  for (const content of contents) {
    if (content === 'missing') return 'missing';
    for (const [name, bytes] of content) merged.set(name, bytes);
  }
  return merged;
}

/** Volumes of the pod with the path at which its container sees them. */
export function mountedVolumes(
  pod: V1Pod,
  container: V1Container,
): { mountPath: string; volume: V1Volume }[] {
  return (container.volumeMounts ?? []).map(({ name, mountPath }) => {
    const volume = pod.spec?.volumes?.find((candidate) => candidate.name === name);
    if (volume === undefined) throw new Error(`the pod ${pod.metadata?.name} has no volume ${name}`);
    return { mountPath, volume };
  });
}

/** A path that the container sees, where it lies on this machine; any other text as it is. */
export function onHost(text: string, root: string, mountPaths: readonly string[]): string {
  const inside = mountPaths.some((path) => text === path || text.startsWith(`${path}/`));
  return inside ? join(root, text) : text;
}

/** The files of a ConfigMap with every path that the container sees as it lies on this machine. */
export function contentOnHost(content: Content, root: string, mountPaths: readonly string[]): Content {
  const paths = mountPaths.map((path) => path.replaceAll('.', String.raw`\.`)).join('|');
  const seen = new RegExp(String.raw`(?<![\w./-])(?:${paths})(?![\w.-])`, 'g');
  const mapped = [...content].map(([name, bytes]) => {
    const text = Buffer.from(bytes).toString('utf8');
    return [name, Buffer.from(text.replaceAll(seen, (path) => join(root, path)))] as const;
  });
  return new Map(mapped);
}

/**
 * The variables of a container: `envFrom`, then `env` with the downward API resolved, or `missing` when a Secret or
 * ConfigMap that it needs is not there.
 */
export function containerVariables(
  pod: V1Pod,
  container: V1Container,
  data: NamespaceData,
): Record<string, string> | 'missing' {
  const variables: Record<string, string> = {};
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    const content = configMapRef
      ? configMapContent(data, configMapRef.name, configMapRef.optional)
      : secretContent(data, secretRef?.name, secretRef?.optional);
    if (content === 'missing') return 'missing';
    for (const [name, value] of content) variables[name] = Buffer.from(value).toString();
  }
  for (const variable of container.env ?? []) variables[variable.name] = variableValue(pod, variable);
  return variables;
}

function variableValue(pod: V1Pod, { name, value, valueFrom }: V1EnvVar): string {
  if (valueFrom === undefined) return value ?? '';
  const fields: Record<string, string | undefined> = {
    'metadata.name': pod.metadata?.name,
    'metadata.namespace': pod.metadata?.namespace,
    'metadata.uid': pod.metadata?.uid,
  };
  const field = fields[valueFrom.fieldRef?.fieldPath ?? ''];
  if (field === undefined) throw new Error(`the harness cannot resolve the variable ${name}`);
  return field;
}
