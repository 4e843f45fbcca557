import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import {
  type FieldFormat,
  type ParsedRecipe,
  recipeSchema,
  requestFields,
} from '#shared/contracts/rules/rule-recipe.ts';
import { compileGlob } from '#shared/core/rules/policy/glob.ts';
import { newClashSearch, ruleClashes } from '#shared/core/rules/policy/rule-clash.ts';
import { compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { managers } from '#shared/managers/shipped/managers.ts';

/**
 * What is wrong with the managers: one that is neither shipped nor in `custom` or in both, one named twice, or one that
 * is never reached because an open manager before it takes all that it could serve. One of the operator's own cannot be
 * judged by that. Also a rule of the policy that concerns no manager there is: a misspelt name must not lift a ban. And
 * two rules that name one secret of a manager as different groups and keys.
 * @returns sentences that begin with the configuration's field; empty when all is well
 */
export function chainProblems(config: LatchkeyConfig): string[] {
  const problems = [...nameProblems(config), ...policyProblems(config)];
  const search = newClashSearch();
  for (const name of new Set(config.chain)) {
    problems.push(...clashProblems(managers.get(name), config, search));
  }
  const recipes = config.chain.map((name) => ({ name, recipe: shippedRecipe(name, config) }));
  for (const [position, { name, recipe }] of recipes.entries()) {
    const before = recipes.slice(0, position);
    const hider = before.find((earlier) => hides(earlier.recipe, recipe))?.name;
    if (before.some((earlier) => earlier.name === name)) problems.push(`chain: "${name}" stands in it twice`);
    else if (hider !== undefined) {
      problems.push(
        `chain: "${name}" is never asked, for "${hider}" before it has an open inventory and accepts every request that "${name}" could serve; put "${name}" first or set ${hider}.inventory to closed`,
      );
    }
  }
  return problems;
}

function nameProblems({ chain, custom }: LatchkeyConfig): string[] {
  const shipped = [...managers.keys()].join(', ');
  const unknown = [...new Set(chain)].filter((name) => !managers.has(name) && !Object.hasOwn(custom, name));
  const taken = Object.keys(custom).filter((name) => managers.has(name));
  return [
    ...unknown.map(
      (name) => `chain: "${name}" is neither a manager of latchkey (${shipped}) nor one of custom`,
    ),
    ...taken.map((name) => `custom.${name}: latchkey has a manager of this name; choose another`),
  ];
}

function policyProblems({ policy, custom }: LatchkeyConfig): string[] {
  const names = [...managers.keys(), ...Object.keys(custom)];
  return policy.rules.flatMap((rule) =>
    (rule.managers ?? [])
      .filter((glob) => !names.some(compileGlob(glob)))
      .map(
        (glob) =>
          `policy: rule "${rule.name}" is about manager "${glob}", and there is none of this name; there are ${names.join(', ')}`,
      ),
  );
}

/** Rules of the policy that cannot be told apart for this manager, or are too many for that to be found out. */
export function clashProblems(
  manager: Manager | undefined,
  config: LatchkeyConfig,
  search = newClashSearch(),
): string[] {
  const recipe = manager?.recipe(config);
  if (manager === undefined || recipe?.policy === undefined || search.stepsLeft < 0) return [];
  const clashes = ruleClashes(recipe.policy, compileRecipe(recipe), search).map(
    ({ rules: [one, other], names: [name, otherName], glob }) =>
      `policy: rules "${one}" and "${other}" cannot be told apart: of manager "${manager.name}" both name "${glob}", one as "${name}" and one as "${otherName}"; write more of the name in one of them, make one rule of both, or say with managers that they are not about "${manager.name}"`,
  );
  const { endedAt = [] } = search;
  if (endedAt.length === 0) return clashes;
  const rules = endedAt.map((name) => `"${name}"`).join(', ');
  return [
    ...clashes,
    `policy: rules ${rules} name too many secrets of manager "${manager.name}" that begin alike with wildcards behind, to be compared with each other: give them fewer groups and keys, or write more of the beginning`,
  ];
}

/**
 * Adds what resolvers and discovery refuse besides {@link chainProblems}, and `explain` accepts: a closed inventory of a
 * provider needs to say where it is.
 */
export function serviceProblems(config: LatchkeyConfig): string[] {
  return [...chainProblems(config), ...providerProblems(config)];
}

function providerProblems({ gcp, azure, vault }: LatchkeyConfig): string[] {
  const needs = [
    { name: 'gcp.provider.projects', of: gcp, given: gcp.provider.projects.length > 0 },
    { name: 'azure.provider.vaultUrls', of: azure, given: azure.provider.vaultUrls.length > 0 },
    { name: 'vault.provider.address', of: vault, given: vault.provider.address !== undefined },
    { name: 'vault.provider.mounts', of: vault, given: vault.provider.mounts.length > 0 },
  ];
  return needs
    .filter(({ of, given }) => of.inventory === 'closed' && !given)
    .map(({ name }) => `${name}: needed for inventory: closed, to know where to ask what exists`);
}

function shippedRecipe(name: string, config: LatchkeyConfig): ParsedRecipe | undefined {
  const recipe = managers.get(name)?.recipe(config);
  return recipe === undefined ? undefined : recipeSchema.parse(recipe);
}

/**
 * Formats by what they are for, a name, a path, or an ARN: the finer differences (letter case, `_`) leave a later
 * manager only names that look like mistakes, which is as good as never.
 */
const breadth: Record<FieldFormat, number> = {
  // Like no name of any other manager.
  'https-url': 0,
  'dns1123-subdomain': 1,
  'secret-key': 1,
  'env-name': 1,
  'path-segment': 1,
  path: 2,
  arn: 3,
};

function hides(earlier: ParsedRecipe | undefined, later: ParsedRecipe | undefined): boolean {
  if (earlier?.inventory !== 'open' || later === undefined) return false;
  if (!later.mounts.accepts.every((mount) => earlier.mounts.accepts.includes(mount))) return false;
  return requestFields.every((field) => {
    const [early, late] = [earlier.fields[field], later.fields[field]];
    if (early?.required && !late?.required) return false;
    return early?.format === undefined || breadthOf(late?.format) <= breadth[early.format];
  });
}

function breadthOf(format: FieldFormat | undefined): number {
  return format === undefined ? Number.POSITIVE_INFINITY : breadth[format];
}
