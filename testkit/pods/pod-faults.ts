import { decodeAnnotation } from '#shared/core/flyte/secret-request.ts';
import type { Json } from './golden-case.ts';

/** Drops null, "", [] and {} as Go's omitempty does. */
export function dropEmpty(value: unknown): unknown {
  if (value === null || value === '') return undefined;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const items = value.map(dropEmpty).filter((item) => item !== undefined);
    return items.length > 0 ? items : undefined;
  }
  const members = Object.entries(value ?? {})
    .map(([name, member]) => [name, dropEmpty(member)] as const)
    .filter(([, member]) => member !== undefined);
  return members.length > 0 ? Object.fromEntries(members) : undefined;
}

/** Takes our report off a pod. */
export function withoutReport(pod: Json): Json {
  for (const name of Object.keys(pod.metadata?.annotations ?? {})) {
    if (name.startsWith('latchkey.dev/')) delete pod.metadata?.annotations?.[name];
  }
  return pod;
}

const isPullContainer = (container: Json): boolean =>
  /^(aws|gcp)-pull-secret-[0-9]+$/.test(container.name ?? '');

/** Puts pull containers before the user's (`pull-container-first`), in place. @returns whether that changed the order */
export function moveUpPullContainers(pod: Json): boolean {
  const list = pod.spec?.initContainers;
  if (list === undefined) return false;
  const before = [...list];
  list.sort((a, b) => Number(isPullContainer(b)) - Number(isPullContainer(a)));
  return before.some((container, index) => container !== list[index]);
}

/** Makes alike what is free: the `env_var` entries in pull containers, and the ids in Vault's annotations. */
export function unifyFreeNames(pod: Json): Json {
  const requests = Object.entries(pod.metadata?.annotations ?? {}).filter(([name]) =>
    name.startsWith('flyte.secrets/s'),
  );
  const envVars = new Set(requests.map(([name, value]) => decodeAnnotation(name, value).envVar));
  for (const container of [...(pod.spec?.initContainers ?? [])].filter(isPullContainer)) {
    removeWhere(container.env, (entry) => envVars.has(entry.name ?? ''));
  }
  const annotations: [string, Json][] = Object.entries(pod.metadata?.annotations ?? {});
  const files = annotations.filter(([name]) => name.includes('/agent-inject-file-'));
  // Annotations of one id stand together: what it is for becomes its name.
  const idOf = (name: string): string =>
    /\/agent-inject-(?:secret|file|template)-(.*)$/.exec(name)?.[1] ?? '';
  const contents = new Map(files.map(([name, file]) => [idOf(name), file]));
  const renamed = annotations.map(([name, value]): [string, Json] => {
    const id = idOf(name);
    const content = contents.get(id);
    return content === undefined ? [name, value] : [`${name.slice(0, -id.length)}${content}`, value];
  });
  if (pod.metadata?.annotations !== undefined) {
    Object.assign(pod.metadata, { annotations: Object.fromEntries(renamed) });
  }
  return pod;
}

/** Takes flytekit's versioned names (`version-alias`) off a pod. @returns how many there were */
export function removeVersionAliases(pod: Json): number {
  const variables = new Set<string>();
  const paths = new Set<string>();
  for (const [annotation, value] of Object.entries(pod.metadata?.annotations ?? {})) {
    if (!annotation.startsWith('flyte.secrets/s')) continue;
    const { group, groupVersion, key } = decodeAnnotation(annotation, value);
    if (groupVersion === '') continue;
    variables.add(`_FSEC_${group}_${groupVersion}_${key}`.toUpperCase());
    paths.add(`${groupVersion}/${key}`.toLowerCase());
  }
  const spec = pod.spec;
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  const removed = containers.map((container) =>
    removeWhere(container.env, (entry) => variables.has(entry.name ?? '')),
  );
  for (const volume of spec?.volumes ?? []) {
    removed.push(removeWhere(volume.secret?.items, (item) => paths.has(item.path ?? '')));
  }
  return removed.reduce((sum, count) => sum + count, 0);
}

function removeWhere(list: Json | undefined, matches: (item: Json) => boolean): number {
  const before = list?.length ?? 0;
  list?.splice(0, before, ...list.filter((item) => !matches(item)));
  return before - (list?.length ?? 0);
}

/** What the API server would refuse in a pod of ours; empty for a valid one. */
export function podFaults(pod: Json): string[] {
  const faults: string[] = [];
  const volumes = (pod.spec?.volumes ?? []).map((volume) => volume.name ?? '');
  for (const name of volumes)
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) faults.push(`volume ${name}`);
  faults.push(...duplicates(volumes));
  const spec = pod.spec;
  for (const container of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    const mounts = [...(container.volumeMounts ?? [])];
    faults.push(...duplicates(mounts.map((mount) => mount.mountPath ?? '')));
    for (const { name = '' } of mounts as Json[])
      if (!volumes.includes(name)) faults.push(`mount of ${name}`);
    faults.push(...duplicates([...(container.env ?? [])].map((entry) => entry.name ?? '')));
  }
  return faults;
}

function duplicates(names: string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index).map((name) => `twice ${name}`);
}
