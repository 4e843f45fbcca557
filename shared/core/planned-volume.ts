import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Volume } from '#shared/contracts/rule-recipe.ts';
import { isWithin } from './mount-path.ts';
import { quote } from './plain-text.ts';

type PlainVolume = Exclude<Volume, { secret: unknown }>;
type SecretSource = Extract<Volume, { secret: unknown }>['secret'];
/** A source whose items remember for which secret they are. */
type PlannedSource = Pick<SecretSource, 'secretName' | 'optional'> & {
  items: Map<string, { key: string; title: string }>;
};

/** A volume of ours: an empty folder, what a CSI driver fills, or files from one or more Secrets. */
export type PlannedVolume = PlainVolume | { name: string; secrets: PlannedSource[] };

/** The name of each in the pod, which may have given its first choice away. */
export type VolumeNames = ReadonlyMap<PlannedVolume, string>;

/**
 * Adds a Secret's items to a volume.
 * @throws LatchkeyError PATH_CLASH when two secrets want one file; RULES_UNKNOWN when no item is left, for such a
 * volume shows every key of the Secret
 */
export function mergeSecret(
  volume: { name: string; secrets: PlannedSource[] },
  { secretName, items, optional }: SecretSource,
  title: string,
): void {
  if (items.length === 0) {
    throw new LatchkeyError(
      'RULES_UNKNOWN',
      `the recipe for secret ${quote(title)} mounts Secret ${quote(secretName)} without saying which keys of it: ask the platform team to give it an item without a condition`,
    );
  }
  let source = volume.secrets.find((known) => known.secretName === secretName);
  for (const { key, path } of items) {
    const taken = findClash(volume.secrets, path, source, key);
    if (taken !== undefined) {
      throw new LatchkeyError(
        'PATH_CLASH',
        `secrets ${quote(taken)} and ${quote(title)} both want the file ${quote(path)} in one folder (file names are lower case): rename one of the keys, or ask for only one in this task`,
      );
    }
  }
  if (source === undefined) {
    source = { secretName, optional, items: new Map() };
    volume.secrets.push(source);
  }
  for (const { key, path } of items) {
    if (!source.items.has(path)) source.items.set(path, { key, title });
  }
}

/** The secret that has this path, or a folder or file in its way; undefined when that is the very same key. */
function findClash(
  sources: readonly PlannedSource[],
  path: string,
  own: PlannedSource | undefined,
  key: string,
): string | undefined {
  for (const source of sources) {
    for (const [other, item] of source.items) {
      if (other === path && source === own && item.key === key) continue;
      if (isWithin(other, path) || isWithin(path, other)) return item.title;
    }
  }
  return undefined;
}

/** The volume as Kubernetes writes it: a secret volume as Flyte's where one Secret suffices, else a projected one. */
export function renderVolume(
  volume: PlannedVolume,
  name: string,
): { name: string } & Record<string, unknown> {
  if (!('secrets' in volume)) return { ...volume, name };
  const sources = volume.secrets.map(({ secretName, items, optional }) => ({
    secretName,
    items: Array.from(items, ([path, { key }]) => ({ key, path })),
    optional,
  }));
  const [only] = sources;
  if (sources.length === 1 && only !== undefined) return { name, secret: only };
  const projected = sources.map(({ secretName, items, optional }) => ({
    secret: { name: secretName, items, optional },
  }));
  return { name, projected: { sources: projected } };
}
