import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { scalarText } from '#shared/core/text/json-object.ts';
import { joinWords, quote } from '#shared/core/text/plain-text.ts';
import type { FlyteSection } from './find-flyte-sections.ts';
import type { FlyteField } from './flyte-fields.ts';
import { foldName } from './fold-name.ts';

/** Managers of latchkey that do what those of Flyte do, by Flyte's folded name. */
const chainOfFlyte: Readonly<Record<string, string>> = {
  global: 'global',
  k8s: 'k8s',
  aws: 'aws',
  gcp: 'gcp',
  azure: 'azure',
  vault: 'vault',
};

const embedded =
  "Flyte 2's manager Embedded keeps secrets in one place under names of its own (embeddedSecretManagerConfig.type), and latchkey has no manager for it. The way over: put these secrets where a manager of latchkey looks (K8s: a Secret of the group's name in the namespace of the task; AWS, GCP, Azure, Vault), let tasks ask for them with a group, name these managers in secretManagerTypes instead of Embedded, and import again";

/** The chain for Flyte's managers, in their order; those that latchkey lacks are not in it. */
export function flyteChainOf(types: unknown): string[] {
  const served = namesOf(types).flatMap((name) => chainOfFlyte[foldName(name)] ?? []);
  return [...new Set(['global', ...served])];
}

/** @throws CONFIG_INVALID when a manager of the section would not be served, so that its pods would be denied */
export function requireServed(
  { chart, place }: Pick<FlyteSection, 'chart' | 'place'>,
  fields: ReadonlyMap<string, FlyteField>,
): void {
  const listed = ['webhook.secretmanagertypes', 'webhook.secretmanagertype']
    .map((path) => fields.get(path))
    .find((field) => field !== undefined);
  const names = listed === undefined ? [] : namesOf(listed.value);
  const isEmbeddedByDefault = listed === undefined && chart === 'flyte-binary of Flyte 2';
  const unserved = isEmbeddedByDefault
    ? ['Embedded']
    : names.filter((name) => !Object.hasOwn(chainOfFlyte, foldName(name)));
  if (unserved.length === 0) return;
  const isEmbedded = unserved.map(foldName).includes('embedded');
  const by = listed === undefined ? 'which its chart lists where the values do not' : listed.shown;
  const quoted = joinWords(unserved.map(quote));
  throw new LatchkeyError(
    'CONFIG_INVALID',
    `${place}: latchkey has no manager ${quoted} (${by}): pods whose secrets only it has would be denied${isEmbedded ? `. ${embedded}` : ''}`,
  );
}

const namesOf = (types: unknown): string[] => (Array.isArray(types) ? types : [types]).map(scalarText);
