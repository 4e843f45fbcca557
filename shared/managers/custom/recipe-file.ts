import { readFile } from 'node:fs/promises';
import { type Document, isAlias, isMap, isScalar, isSeq, type Node } from 'yaml';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type RecipeFile, recipeFileSchema } from '#shared/contracts/rules/recipe-file.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { type Fault, firstOf, schemaFaults, unknownMembers } from '#shared/core/text/schema-fault.ts';
import { readYaml } from '#shared/runtime/yaml-text.ts';
import { sourceProblem } from './custom-manager.ts';
import { recipeFaults } from './recipe-faults.ts';

/** Something wrong in a recipe file; `field` is empty when the file as a whole is meant. */
interface RecipeFault {
  line: number;
  /** Where the text is not YAML; a fault of a field is the whole field's. */
  column?: number;
  field: string;
  message: string;
}

/**
 * Reads a recipe; either it is good or what is wrong is told, by line. Unknown members and the faults of templates are
 * looked for in a recipe of the right shape only.
 */
export function checkRecipe(text: string): { recipe: RecipeFile } | { faults: RecipeFault[] } {
  const read = readYaml(text);
  if ('faults' in read) {
    return {
      faults: read.faults.map(({ line, column, message }) => ({ line, column, message, field: '' })),
    };
  }
  const { value, document, lineAt } = read;
  const parsed = checkShape(recipeFileSchema, value);
  const found = parsed.success
    ? [...unknownMembers(value, parsed.data), ...recipeFaults(parsed.data)]
    : schemaFaults(parsed.error.issues);
  if (parsed.success && found.length === 0) return { recipe: parsed.data };
  const { told, more } = firstOf(found);
  const faults = told.map(({ path, message }) => ({
    line: lineAt(offsetOf(document, path)),
    field: fieldOf(path),
    message,
  }));
  faults.sort((a, b) => a.line - b.line);
  const lastLine = faults.at(-1)?.line ?? 1;
  return {
    faults: more > 0 ? [...faults, { line: lastLine, field: '', message: `and ${more} more` }] : faults,
  };
}

/**
 * Reads and checks a recipe file for use with this configuration.
 * @throws RECIPE_INVALID when it cannot be read or used, with its faults and their lines
 */
export async function loadRecipeFile(path: string, config: LatchkeyConfig): Promise<RecipeFile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const message = `the recipe was looked for at ${path} and cannot be read: put it there or correct custom in latchkey.yaml`;
    throw new LatchkeyError('RECIPE_INVALID', message, { cause });
  });
  return parseRecipe(text, path, config);
}

/** Checks the text of a recipe file for use with this configuration. @throws RECIPE_INVALID when it cannot be used, with its faults and their lines */
export function parseRecipe(text: string, path: string, config: LatchkeyConfig): RecipeFile {
  const checked = checkRecipe(text);
  if ('faults' in checked) {
    const lines = checked.faults.map((fault) => describeRecipeFault(path, fault));
    throw new LatchkeyError('RECIPE_INVALID', `the recipe is not usable:\n${lines.join('\n')}`);
  }
  const problem = sourceProblem(checked.recipe, config);
  if (problem !== undefined) throw new LatchkeyError('RECIPE_INVALID', `${path}: ${problem}`);
  return checked.recipe;
}

/** `path:line:column: field: what is wrong`, as compilers write it. */
export function describeRecipeFault(path: string, { line, column, field, message }: RecipeFault): string {
  const place = [path, line, column].filter((part) => part !== undefined).join(':');
  return `${place}: ${field === '' ? '' : `${field}: `}${message}`;
}

const fieldOf = (path: Fault['path']): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');

/** Finds where a member begins in the text, or where what should hold it begins. */
function offsetOf(document: Document, path: Fault['path']): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) break;
      offset = startOf(pair.key);
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      offset = startOf(node);
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}
