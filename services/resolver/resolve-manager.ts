import { dirname, resolve } from 'node:path';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { RecipeFile } from '#shared/contracts/rules/recipe-file.ts';
import { ownManager } from '#shared/managers/custom/own-manager.ts';
import { loadRecipeFile, parseRecipe } from '#shared/managers/custom/recipe-file.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { followParsedFile } from '#shared/runtime/parsed-file.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';

/** Holds a manager, and for one of the operator's own how its recipe file is followed. */
export interface ResolvedManager {
  manager: Manager;
  /** Hands over every changed recipe that is usable; of another it logs why, and the one in force stays. @returns the stop */
  follow: (onManager: (manager: Manager) => void) => () => void;
}

/**
 * Finds the manager of that name: one that latchkey ships, or one that `custom` names.
 * @throws CONFIG_INVALID for any other name, or when rules of the policy cannot be distinguished for it
 * @throws RECIPE_INVALID when the recipe is not usable
 */
export async function resolveManager(name: string, context: ServiceContext): Promise<ResolvedManager> {
  const { config, process } = context;
  const shipped = managers.get(name);
  if (shipped !== undefined) return { manager: shipped, follow: () => () => undefined };
  const file = Object.hasOwn(config.custom, name) ? config.custom[name] : undefined;
  if (file === undefined) {
    const known = [...managers.keys(), ...Object.keys(config.custom)].join(', ');
    const message = `--manager "${name}" is not known: use one of ${known}, or name its recipe under custom in latchkey.yaml.`;
    throw new LatchkeyError('CONFIG_INVALID', message);
  }
  const path = resolve(dirname(process.LATCHKEY_CONFIG), file);
  const recipe = await loadRecipeFile(path, config);
  return {
    manager: ownManager(name, recipe, config),
    follow: (onManager) =>
      followRecipe({ name, path, recipe, context }, (next) => onManager(ownManager(name, next, config))),
  };
}

function followRecipe(
  {
    name,
    path,
    recipe,
    context,
  }: { name: string; path: string; recipe: RecipeFile; context: ServiceContext },
  onRecipe: (recipe: RecipeFile) => void,
): () => void {
  const { clock, log, config } = context;
  return followParsedFile({
    path,
    current: recipe,
    parse: (text) => {
      if (text === undefined)
        throw new LatchkeyError('RECIPE_INVALID', `the recipe ${path} is gone: put it back`);
      const next = parseRecipe(text, path, config);
      // Checked here, where a refusal leaves the one before in force.
      ownManager(name, next, config);
      return next;
    },
    messages: { changed: 'recipe changed', refused: 'recipe not usable, the one in force stays' },
    clock,
    log,
    onChange: onRecipe,
  });
}
