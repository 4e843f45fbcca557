import type { ParsedRecipe } from '#shared/contracts/rules/rule-recipe.ts';
import { guardVaultAnnotations, vaultEveryKey } from './vault-annotations.ts';

/** What resolvers up to 0.1.0 do not write into their manager's recipe, for gateways knew it by the manager's name. */
const unwritten = new Map<string, Pick<ParsedRecipe, 'spelling' | 'hiddenPrefixes'>>([
  ['global', { hiddenPrefixes: ['env:', 'file:'] }],
  ['aws', { spelling: 'aws-arn' }],
  ['vault', { spelling: 'vault-path' }],
  ['azure', { spelling: 'azure-uri' }],
]);

/**
 * Adds to a recipe of an older resolver what it does not say. Without the spelling of its names another way to write a
 * secret would evade the policy while the two versions run side by side, and without the guard of its annotations a pod
 * with one of its own would be admitted and started without the secret.
 */
export function completeRecipe(recipe: ParsedRecipe): ParsedRecipe {
  const complete = { ...unwritten.get(recipe.manager), ...recipe };
  if (recipe.manager === 'azure') return withName(complete);
  if (recipe.manager !== 'vault') return complete;
  const { env, file } = recipe.edits;
  return { everyKey: vaultEveryKey(file), ...complete, edits: { env, file: guardVaultAnnotations(file) } };
}

/** Demands the name of the object in Azure's group: the container would take `group_version` for it. */
function withName(recipe: ParsedRecipe): ParsedRecipe {
  const { group } = recipe.fields;
  if (group === undefined) return recipe;
  return { ...recipe, fields: { ...recipe.fields, group: { leastSegments: 2, ...group } } };
}
