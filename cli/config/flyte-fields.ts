import { isObject, type JsonObject } from '#shared/core/text/json-object.ts';
import { absentParts, mappings } from './flyte-mappings.ts';
import { foldName } from './fold-name.ts';

/** One field of Flyte's configuration. */
export interface FlyteField {
  /** As the file spells it, for people: `webhook.awsSecretManager.sidecarImage`. */
  shown: string;
  value: unknown;
}

/** Fields whose members are data, not names of Flyte's. */
const wholeFields: ReadonlySet<string> = new Set([
  ...['aws', 'gcp', 'azure'].map((provider) => `webhook.${provider}secretmanager.resources`),
  'webhook.vaultsecretmanager.annotations',
  'webhook.namespaceselector',
]);

/** Collects the fields of a section by their folded path. */
export function collectFields(
  fields: Map<string, FlyteField>,
  path: readonly string[],
  value: JsonObject,
): void {
  for (const [name, inner] of Object.entries(value)) {
    const inside = [...path, name];
    const key = inside.map(foldName).join('.');
    if (isObject(inner) && !wholeFields.has(key)) collectFields(fields, inside, inner);
    else fields.set(key, { shown: inside.join('.'), value: inner });
  }
}

/** Whether Flyte's webhook has this field, whatever becomes of it in latchkey.yaml. */
export const isKnownField = (path: string): boolean =>
  mappings.has(path) || absentParts.some(({ prefix }) => path.startsWith(prefix));
