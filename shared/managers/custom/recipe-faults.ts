import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { RecipeFile } from '#shared/contracts/rules/recipe-file.ts';
import { type Edit, type RequestField, requestFields } from '#shared/contracts/rules/rule-recipe.ts';
import { providesSecret } from '#shared/core/patch/injected-locations.ts';
import { compileTemplate } from '#shared/core/rules/template/template.ts';
import { isObject } from '#shared/core/text/json-object.ts';
import type { Fault } from '#shared/core/text/schema-fault.ts';

/**
 * What is wrong with a recipe of the right shape: everything that would make it inject nothing, an invalid pod, or
 * what a task author likes. A shipped recipe is held to less (recipe.ts), for it was written by latchkey.
 */
export function recipeFaults(recipe: RecipeFile): Fault[] {
  const { mounts, description, lookup, fields, source, edits } = recipe;
  const entry = source === 'global' ? copyVariables : [];
  return [
    ...sourceFaults(recipe),
    ...(mounts.accepts.includes(mounts.any)
      ? []
      : [{ path: ['mounts', 'any'], message: `"${mounts.any}" is not in mounts.accepts` }]),
    ...templateFaults(description, ['description'], { fields: undefined, entry: [] }),
    ...templateFaults(lookup, ['lookup'], { fields, entry: [] }),
    ...(['env', 'file'] as const).flatMap((mount) => [
      ...mountFaults(recipe, mount),
      ...templateFaults(edits[mount], ['edits', mount], { fields, entry }),
      ...volumeFaults(edits[mount], ['edits', mount]),
      ...itemFaults(edits[mount], ['edits', mount]),
    ]),
  ];
}

function sourceFaults({ inventory, source }: RecipeFile): Fault[] {
  if (inventory === 'closed' && source === undefined) {
    return [{ path: ['inventory'], message: 'closed needs a source that says what exists: k8s or global' }];
  }
  if (inventory === 'open' && source !== undefined) {
    return [{ path: ['source'], message: 'is for inventory: closed; open trusts every request' }];
  }
  return [];
}

/** A request that is accepted and changes nothing would be a pod admitted without its secret. */
function mountFaults({ mounts, edits }: RecipeFile, mount: 'env' | 'file'): Fault[] {
  const [accepted, some] = [mounts.accepts.includes(mount), edits[mount].length > 0];
  const path = ['edits', mount];
  if (accepted && !some) return [{ path, message: `is empty, but mounts.accepts has ${mount}` }];
  if (!accepted) return some ? [{ path, message: `is never used: mounts.accepts lacks ${mount}` }] : [];
  if (providesSecret(edits[mount].filter(({ when }) => when === undefined))) return [];
  const message =
    'brings a secret only when a condition holds: without when there must be a variable, a mounted volume, an init container or an annotation';
  return [{ path, message }];
}

/** What a template reads of a request, where that is more than one field of the same name. */
const readBy: Record<string, readonly RequestField[]> = { versionedGroup: ['group', 'groupVersion'] };

/** What the inventory says of a global secret: where its copy is. Of any other it says nothing. */
const copyVariables = ['secretName', 'secretKey'];

/** What a template may read: fields by their rules (without them any field), variables of the inventory entry. */
interface Readable {
  fields: RecipeFile['fields'] | undefined;
  entry: readonly string[];
}

function templateFaults(node: unknown, path: PropertyKey[], readable: Readable): Fault[] {
  if (typeof node === 'string') return textFaults(node, readable).map((message) => ({ path, message }));
  if (Array.isArray(node)) {
    return node.flatMap((item, index) => templateFaults(item, [...path, index], readable));
  }
  if (!isObject(node)) return [];
  return Object.entries(node)
    .filter(([name]) => name !== 'when')
    .flatMap(([name, member]) => templateFaults(member, [...path, name], readable));
}

function textFaults(text: string, { fields, entry }: Readable): string[] {
  try {
    compileTemplate(text, '');
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    return [String(error.fields.problem ?? error.message)];
  }
  const variables = [...text.matchAll(/(?<!\$)\$\{([A-Za-z0-9.]+)/g)].map(([, name = '']) => name);
  const unsaid = variables.filter(
    (name) => name.startsWith('entry.') && !entry.includes(name.slice('entry.'.length)),
  );
  const faults = unsaid.map(
    (name) =>
      `reads ${name}, which is never known: there are entry.secretName and entry.secretKey, in edits with source: global`,
  );
  return fields === undefined ? faults : [...faults, ...fieldFaults(variables, fields)];
}

function fieldFaults(variables: readonly string[], fields: RecipeFile['fields']): string[] {
  const read = new Set(
    variables.flatMap((name) => readBy[name] ?? requestFields.filter((field) => field === name)),
  );
  return [...read]
    .filter((field) => fields[field]?.format === undefined)
    .map(
      (field) =>
        `reads ${field}, which needs a format under fields: a task author may write anything into it`,
    );
}

/** Mounts, of containers and of init containers, name a volume of the same list. */
function volumeFaults(edits: readonly Edit[], path: PropertyKey[]): Fault[] {
  const volumes = new Set(edits.flatMap((edit) => ('volume' in edit ? [edit.volume.name] : [])));
  const message = 'no volume edit of this list has this name';
  return edits.flatMap((edit, index): Fault[] => {
    if ('volumeMount' in edit && !volumes.has(edit.volumeMount.name)) {
      return [{ path: [...path, index, 'volumeMount', 'name'], message }];
    }
    if (!('initContainer' in edit)) return [];
    return (edit.initContainer.volumeMounts ?? []).flatMap(({ name }, mount) =>
      volumes.has(name)
        ? []
        : [{ path: [...path, index, 'initContainer', 'volumeMounts', mount, 'name'], message }],
    );
  });
}

/** A secret volume without items shows every key of the Secret. */
function itemFaults(edits: readonly Edit[], path: PropertyKey[]): Fault[] {
  const message = 'needs an item without when: without items the volume would show every key of the Secret';
  return edits.flatMap((edit, index) =>
    'volume' in edit && 'secret' in edit.volume && edit.volume.secret.items.every(({ when }) => when)
      ? [{ path: [...path, index, 'volume', 'secret', 'items'], message }]
      : [],
  );
}
