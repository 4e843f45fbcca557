import type { RecipeFile } from '#shared/contracts/rules/recipe-file.ts';
import {
  type Edit,
  type EnvEntry,
  type Mount,
  requestFields,
  type Volume,
  type When,
} from '#shared/contracts/rules/rule-recipe.ts';
import { fieldNames } from '#shared/core/rules/recipe/field-check.ts';
import { formatRule } from '#shared/core/rules/template/field-format.ts';

const mountNames: Record<Mount, string> = { env: 'a variable', file: 'a file' };

/** What a recipe does, in words, a line each. */
export function describeRecipe(recipe: RecipeFile): string[] {
  const { mounts, edits } = recipe;
  return [
    inventoryWords(recipe),
    ...requestFields.flatMap((field) => fieldWords(recipe, field)),
    `ANY is ${mountNames[mounts.any]}`,
    ...mounts.accepts.flatMap((mount) => [
      `as ${mountNames[mount]}:`,
      ...edits[mount].map((edit) => `  ${editWords(edit)}${whenWords(edit.when)}`),
    ]),
  ];
}

function inventoryWords({ inventory, source, lookup }: RecipeFile): string {
  if (inventory === 'open') return 'open: every request that fits is trusted';
  return `closed: only what the inventory of ${source} has under ${lookup.join(', then ')}`;
}

function fieldWords({ fields }: RecipeFile, field: (typeof requestFields)[number]): string[] {
  const rule = fields[field];
  if (rule === undefined) return [];
  if (rule.forbidden) return [`${fieldNames[field]}: must be absent`];
  const words = [
    rule.required ? 'required' : 'may be absent',
    ...(rule.format === undefined ? [] : [`holds ${formatRule(rule)}`]),
    ...(rule.maxLength === undefined ? [] : [`at most ${rule.maxLength} characters`]),
    ...rule.forbiddenPrefixes.map((prefix) => `not beginning with "${prefix}"`),
  ];
  return [`${fieldNames[field]}: ${words.join(', ')}`];
}

function editWords(edit: Edit): string {
  if ('env' in edit) return `every container gets the variable ${envWords(edit.env)}`;
  if ('volume' in edit) return `the pod gets the volume ${edit.volume.name}: ${volumeWords(edit.volume)}`;
  if ('volumeMount' in edit) {
    const { name, mountPath, readOnly } = edit.volumeMount;
    return `every container mounts ${name} at ${mountPath}${readOnly === true ? ', read only' : ''}`;
  }
  if ('initContainer' in edit) {
    const place =
      edit.position === 'afterNativeSidecars'
        ? 'behind native sidecars that get no secrets'
        : 'before the others';
    return `an init container ${edit.initContainer.name}-<n> of ${edit.initContainer.image} runs ${place}`;
  }
  if ('annotation' in edit)
    return `the pod gets the annotation ${edit.annotation.name}: ${edit.annotation.value}`;
  return `the file ${edit.file.path} comes from ${edit.file.source}`;
}

function envWords(env: EnvEntry): string {
  if ('value' in env) return `${env.name}=${env.value}`;
  const { name, key, optional } = env.valueFrom.secretKeyRef;
  return `${env.name} from key ${key} of Secret ${name}${optional ? ', where there is one' : ''}`;
}

function volumeWords(volume: Volume): string {
  if ('emptyDir' in volume) return volume.emptyDir.medium === 'Memory' ? 'a folder in memory' : 'a folder';
  if ('secret' in volume) {
    const items = volume.secret.items.map(({ key, path, when }) => `${key} as ${path}${whenWords(when)}`);
    return `of Secret ${volume.secret.secretName} ${items.join(', ')}`;
  }
  const attributes = Object.entries(volume.csi.volumeAttributes ?? {}).map(
    ([name, value]) => `${name}=${value}`,
  );
  return `what CSI driver ${volume.csi.driver} gives for ${attributes.join(', ')}`;
}

function whenWords(when: When | When[] | undefined): string {
  const words = [when ?? []].flat().map((condition) => {
    if (typeof condition === 'string') return `the request has ${fieldNames[condition]}`;
    const name = fieldNames[condition.field];
    return 'oneOf' in condition
      ? `${name} is ${condition.oneOf.map(quoted).join(' or ')}`
      : `${name} is not ${condition.noneOf.map(quoted).join(' or ')}`;
  });
  return words.length === 0 ? '' : ` (if ${words.join(' and ')})`;
}

const quoted = (text: string): string => `"${text}"`;
