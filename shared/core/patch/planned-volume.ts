import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Volume } from '#shared/contracts/rules/rule-recipe.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import { createPathTree, type PathTree } from './path-tree.ts';
import { fileClash } from './planned-file.ts';

type PlainVolume = Exclude<Volume, { secret: unknown }>;
type SecretSource = Extract<Volume, { secret: unknown }>['secret'];
/** One key of a Secret as a file of a volume, and for which secret. */
export interface PlannedItem {
  secretName: string;
  key: string;
  path: string;
  title: string;
}
type PlannedSource = Pick<SecretSource, 'optional'> & { items: Map<string, PlannedItem> };

/** A volume of files from one or more Secrets, by their names; `files` has the same items by their place. */
export interface SecretVolume {
  name: string;
  secrets: Map<string, PlannedSource>;
  files: PathTree<PlannedItem>;
}

/** A volume of ours: an empty folder, what a CSI driver fills, or files from Secrets. */
export type PlannedVolume = PlainVolume | SecretVolume;

/** The name of each in the pod, which may have given its first choice away. */
export type VolumeNames = ReadonlyMap<PlannedVolume, string>;

/** A volume to which {@link mergeSecret} adds. */
export function newSecretVolume(name: string): SecretVolume {
  return { name, secrets: new Map(), files: createPathTree() };
}

/** Counts the files of a volume; none when it is no volume of Secrets. */
export function itemCount(volume: PlannedVolume): number {
  if (!('secrets' in volume)) return 0;
  let count = 0;
  for (const { items } of volume.secrets.values()) count += items.size;
  return count;
}

/**
 * Adds a Secret's items to a volume.
 * @throws PATH_CLASH when two secrets want one file; RULES_UNKNOWN when no item is left, for such a
 * volume shows every key of the Secret
 */
export function mergeSecret(
  { secrets, files }: SecretVolume,
  { secretName, items, optional }: SecretSource,
  title: string,
  budget: WorkBudget,
): void {
  if (items.length === 0) {
    throw new LatchkeyError(
      'RULES_UNKNOWN',
      `the recipe for secret ${quote(title)} mounts Secret ${quote(secretName)} without saying which keys of it: ask the platform team to give it an item without a condition`,
    );
  }
  const source = secrets.get(secretName) ?? { optional, items: new Map() };
  secrets.set(secretName, source);
  for (const { key, path } of items) {
    const item = { secretName, key, path, title };
    const taken = findClash(files, item, budget);
    if (taken !== undefined) throw fileClash(taken, item, ' in one folder (file names are lower case)');
    if (!source.items.has(item.path)) source.items.set(item.path, item);
    files.add(item.path, item, budget);
  }
}

/** The file at this place, or a folder or file in its way; undefined when that is the very same key. */
function findClash(
  files: PathTree<PlannedItem>,
  item: PlannedItem,
  budget: WorkBudget,
): PlannedItem | undefined {
  const isSame = ({ secretName, key, path }: PlannedItem): boolean =>
    path === item.path && secretName === item.secretName && key === item.key;
  return (
    files.above(item.path, budget).find((other) => !isSame(other)) ?? files.firstBelow(item.path, budget)
  );
}

/**
 * The file of a volume that a folder at this place inside it hides: the kubelet shows its files by links, one for each first
 * name of a path, and makes none where a folder is (docs/reference/kube-apiserver.md C47).
 * @param path the place below the volume's own
 */
export function itemHiddenBy(
  { files }: SecretVolume,
  path: string,
  budget: WorkBudget,
): PlannedItem | undefined {
  const [first = ''] = path.split('/', 1);
  return files.at(first, budget) ?? files.firstBelow(first, budget);
}

/** The volume as Kubernetes writes it: a secret volume as Flyte's where one Secret suffices, else a projected one. */
export function renderVolume(
  volume: PlannedVolume,
  name: string,
  { asOptional = false } = {},
): { name: string } & Record<string, unknown> {
  if (!('secrets' in volume)) return { ...volume, name };
  const sources = Array.from(volume.secrets, ([secretName, { items, optional }]) => ({
    secretName,
    items: Array.from(items, ([path, { key }]) => ({ key, path })),
    optional: optional || asOptional,
  }));
  const [only] = sources;
  if (sources.length === 1 && only !== undefined) return { name, secret: only };
  const projected = sources.map(({ secretName, items, optional }) => ({
    secret: { name: secretName, items, optional },
  }));
  return { name, projected: { sources: projected } };
}
