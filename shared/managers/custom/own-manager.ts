import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { RecipeFile } from '#shared/contracts/rules/recipe-file.ts';
import { clashProblems } from '#shared/managers/chain/chain-problems.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { customManager } from './custom-manager.ts';

/**
 * The manager of an operator's recipe. How it joins group and key only the recipe says, so that its part of the policy
 * is judged here and not with the rest of the configuration.
 * @throws CONFIG_INVALID when two rules cannot be told apart for it, with each such pair
 */
export function ownManager(name: string, recipe: RecipeFile, config: LatchkeyConfig): Manager {
  const manager = customManager(name, recipe);
  const problems = clashProblems(manager, config);
  if (problems.length > 0) throw new LatchkeyError('CONFIG_INVALID', problems.join('\n'));
  return manager;
}
