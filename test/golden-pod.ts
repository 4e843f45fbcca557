import { decodeAnnotation } from '#shared/core/secret-request.ts';
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
