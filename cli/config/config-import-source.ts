import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { isObject, type JsonObject, member } from '#shared/core/text/json-value.ts';
import { describeYamlFault, readYaml } from '#shared/runtime/yaml-text.ts';

/** Sections of Flyte's configuration that the webhook reads. */
const sections = ['webhook', 'secrets'] as const;

/** One field of Flyte's configuration. */
export interface FlyteField {
  /** As the file spells it, for people: `webhook.awsSecretManager.sidecarImage`. */
  shown: string;
  value: unknown;
}

/** Flyte reads names without regard to case (viper), and its flags write them in kebab case. */
export const foldName = (name: string): string => name.toLowerCase().replace(/[-_]/g, '');

/**
 * The sections `webhook` and `secrets` of Flyte's configuration, later files over earlier ones as Flyte merges them.
 * `text` is a ConfigMap (its `data` holds the files) or one of its files, as YAML or JSON; names are folded.
 * @throws CONFIG_INVALID when it cannot be read or holds neither section.
 */
export function readFlyteSections(text: string, source: string): Map<string, FlyteField> {
  const document = parseYaml(text, source);
  const files =
    member(document, 'kind') === 'ConfigMap'
      ? configFiles(member(document, 'data'), source)
      : [{ name: source, content: document }];
  const merged = new Map<string, FlyteField>();
  for (const { content } of files) {
    if (!isObject(content)) continue;
    for (const [name, value] of Object.entries(content)) {
      if (isObject(value) && isSection(foldName(name))) collect(merged, [name], value);
    }
  }
  if (merged.size > 0) return merged;
  const looked = files.map(({ name }) => name).join(', ');
  throw new LatchkeyError(
    'CONFIG_INVALID',
    `${source}: no section "webhook" and none "secrets" was found in ${looked}; give the ConfigMap that Flyte's webhook mounts, for example flyte-propeller-config`,
  );
}

const isSection = (name: string): boolean => sections.some((section) => section === name);

function collect(merged: Map<string, FlyteField>, path: readonly string[], value: JsonObject): void {
  for (const [name, inner] of Object.entries(value)) {
    const inside = [...path, name];
    const key = inside.map(foldName).join('.');
    if (isObject(inner) && !wholeFields.has(key)) collect(merged, inside, inner);
    else merged.set(key, { shown: inside.join('.'), value: inner });
  }
}

/** Fields whose members are data, not names of Flyte's. */
const wholeFields: ReadonlySet<string> = new Set([
  ...['aws', 'gcp', 'azure'].map((provider) => `webhook.${provider}secretmanager.resources`),
  'webhook.vaultsecretmanager.annotations',
  'webhook.namespaceselector',
]);

function configFiles(data: unknown, source: string): { name: string; content: unknown }[] {
  const files = isObject(data) ? Object.entries(data) : [];
  return files
    .filter(([name]) => /\.ya?ml$/.test(name))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, text]) => ({ name, content: parseYaml(String(text), `${source}: ${name}`) }));
}

function parseYaml(text: string, source: string): unknown {
  const read = readYaml(text);
  if (!('faults' in read)) return read.value;
  const [why] = read.faults.map(describeYamlFault);
  throw new LatchkeyError('CONFIG_INVALID', `${source} cannot be read: ${why}`);
}
