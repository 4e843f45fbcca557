import { createHash } from 'node:crypto';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import {
  type Edit,
  type Mount,
  type ParsedRecipe,
  recipeSchema,
} from '#shared/contracts/rules/rule-recipe.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { compilePolicy, type Policy } from '#shared/core/rules/policy/policy.ts';
import { compileLookupName, type LookupName } from '#shared/core/rules/template/lookup-name.ts';
import { compileTemplate, type Template, type Variables } from '#shared/core/rules/template/template.ts';
import { templateCost } from '#shared/core/rules/template/template-cost.ts';
import { firstOf, schemaFaults } from '#shared/core/text/schema-fault.ts';
import { compileTree, oneHolds } from './compile-tree.ts';
import { completeRecipe } from './complete-recipe.ts';

type Steps = (variables: Variables) => number;

/** Bounds the names that all rules select: each stays in the memory of every process that has the recipe. */
const mostRuleNames = 10_000;

/** Most reads of `entry.value` in one list of edits: each opens up to 1 MiB again. Flyte's ways to deliver need two. */
const mostValueReads = 4;

/** A recipe ready for use: its templates are functions. */
export type CompiledRecipe = Pick<
  ParsedRecipe,
  'manager' | 'scope' | 'inventory' | 'fields' | 'mounts' | 'spelling'
> & {
  /**
   * First 8 hex digits of SHA-256 of the recipe as it came: which rule was used, for the report on the pod. Of what was
   * read from it gateways of two versions would tell different ones.
   */
  digest: string;
  description: Template;
  /** Whether the request gets every key of its group, whatever key it names. */
  asksEveryKey(variables: Variables): boolean;
  lookup: readonly Template[];
  /** What can be read from a lookup key. */
  names: readonly LookupName[];
  /** The lookup key as people write it. */
  displayName(lookupKey: string): string;
  inventoryKey: Template | undefined;
  policy: Policy | undefined;
  /** The edits that a request of this mount asks for, rendered. */
  edits: Record<Mount, (variables: Variables) => Edit[]>;
  /** What it costs to hold a request against the fields, to make names of it, and to render the edits. */
  steps: { fields: number; names: Steps; edits: Record<Mount, Steps> };
};

/**
 * Checks and compiles a recipe, once, when it arrives.
 * @param value the record's body, or a recipe that a manager has just made
 * @throws RECIPE_INVALID when it is wrong, with the place in the recipe
 */
export function compileRecipe(value: unknown): CompiledRecipe {
  const parsed = checkShape(recipeSchema, value);
  if (!parsed.success) {
    const { told, more } = firstOf(schemaFaults(parsed.error.issues));
    const faults = told.map(({ path, message }) => `${path.join('.')}: ${message}`);
    const where = [...faults, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
    throw new LatchkeyError('RECIPE_INVALID', `the recipe does not have the expected shape: ${where}`);
  }
  const recipe = completeRecipe(parsed.data);
  if (!recipe.mounts.accepts.includes(recipe.mounts.any)) {
    throw new LatchkeyError('RECIPE_INVALID', `mounts.any: "${recipe.mounts.any}" is not in mounts.accepts`);
  }
  // A manager without lookup trusts every request; to a policy its secrets are known by group and key.
  const names = (recipe.lookup.length === 0 ? ['${group}/${key}'] : recipe.lookup).map((text, index) =>
    compileLookupName(text, recipe, `lookup[${index}]`),
  );
  checkRuleNames(recipe, names.length);
  checkValueReads(recipe);
  checkPieces(recipe);
  return {
    manager: recipe.manager,
    scope: recipe.scope,
    inventory: recipe.inventory,
    fields: recipe.fields,
    mounts: recipe.mounts,
    spelling: recipe.spelling,
    displayName: withoutPrefix(recipe.hiddenPrefixes ?? []),
    digest: createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8),
    description: compileTemplate(recipe.description, 'description'),
    asksEveryKey: oneHolds(recipe.everyKey ?? []),
    lookup: names.map(({ render }) => render),
    names,
    inventoryKey:
      recipe.inventoryKey === undefined ? undefined : compileTemplate(recipe.inventoryKey, 'inventoryKey'),
    policy: recipe.policy && compilePolicy(recipe.policy, names, recipe.spelling),
    edits: {
      env: compileTree(checkMounts(recipe.edits.env, 'edits.env'), 'edits.env'),
      file: compileTree(checkMounts(recipe.edits.file, 'edits.file'), 'edits.file'),
    },
    steps: {
      fields: Math.ceil(JSON.stringify([recipe.fields, recipe.everyKey ?? []]).length / 16),
      names: templateCost([recipe.lookup, recipe.inventoryKey, recipe.description]),
      edits: { env: templateCost(recipe.edits.env), file: templateCost(recipe.edits.file) },
    },
  };
}

function withoutPrefix(prefixes: readonly string[]): (lookupKey: string) => string {
  return (lookupKey) => {
    const prefix = prefixes.find((each) => lookupKey.startsWith(each)) ?? '';
    return lookupKey.slice(prefix.length);
  };
}

/** A policy of few rules can be about very many pairs of a group and a key. */
function checkRuleNames({ policy }: ParsedRecipe, lookups: number): void {
  const pairs = (policy?.rules ?? []).reduce(
    (sum, { groups = ['*'], keys = ['*'] }) => sum + groups.length * keys.length,
    0,
  );
  if (pairs * lookups <= mostRuleNames) return;
  const message = `policy: its rules make more than ${mostRuleNames} names, every pair of a group and a key by every lookup`;
  throw new LatchkeyError('RECIPE_INVALID', message);
}

/** Pieces of all templates of a recipe; those that latchkey ships have under 200. Each is a function, and read at every pod. */
const mostPieces = 5_000;

function checkPieces({ lookup, inventoryKey, description, edits }: ParsedRecipe): void {
  const text = JSON.stringify([lookup, inventoryKey, description, edits]);
  let pieces = 0;
  for (const mark of ['${', '|']) {
    for (let at = text.indexOf(mark); at >= 0 && pieces <= mostPieces; at = text.indexOf(mark, at + 1))
      pieces += 1;
  }
  if (pieces <= mostPieces) return;
  const message = `its templates read variables and filters more than ${mostPieces} times`;
  throw new LatchkeyError('RECIPE_INVALID', message);
}

/** What an inline value costs shows only when it has been opened. */
function checkValueReads({ edits }: ParsedRecipe): void {
  for (const [mount, list] of Object.entries(edits)) {
    const reads = JSON.stringify(list).match(/\bentry\.value\b/g)?.length ?? 0;
    if (reads <= mostValueReads) continue;
    const message = `edits.${mount}: entry.value is read ${reads} times, ${mostValueReads} are possible`;
    throw new LatchkeyError('RECIPE_INVALID', message);
  }
}

/** A volumeMount names a volume of the same list: a mount of nothing would make an invalid pod. */
function checkMounts(edits: Edit[], where: string): Edit[] {
  const volumes = new Set(edits.flatMap((edit) => ('volume' in edit ? [edit.volume.name] : [])));
  for (const [index, edit] of edits.entries()) {
    if ('volumeMount' in edit && !volumes.has(edit.volumeMount.name)) {
      const message = `${where}[${index}].volumeMount.name: no volume edit of ${where} has this name`;
      throw new LatchkeyError('RECIPE_INVALID', message, { fields: { where } });
    }
  }
  return edits;
}
