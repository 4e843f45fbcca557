import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { RecipeFile } from '#shared/contracts/rules/recipe-file.ts';
import type { Recipe } from '#shared/contracts/rules/rule-recipe.ts';
import { globalManager } from '#shared/managers/shipped/global.ts';
import { governed } from '#shared/managers/shipped/governed-manager.ts';
import { k8sManager } from '#shared/managers/shipped/k8s.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';

/** The managers whose inventory a recipe may share, and with it what exists and how it is looked up. */
const sources = { k8s: k8sManager, global: globalManager };

/** A manager of the operator's own. Open: for every request. Closed: for what the inventory of its source has. */
export function customManager(name: string, { source, ...recipe }: RecipeFile): Manager {
  const model = source === undefined ? undefined : sources[source];
  return governed({
    name,
    source: source ?? name,
    recipe: (config) => ({
      ...namesOf(model?.recipe(config)),
      ...recipe,
      schema: 1,
      manager: name,
      scope: model === undefined ? 'cluster' : 'namespace',
    }),
    entry: (fact, config) => model?.entry(fact, config),
    knowsNamespace: (marker, config) => model?.knowsNamespace(marker, config) ?? false,
  });
}

/** Takes over what people do not write of the names of an inventory. */
function namesOf(model: Recipe | undefined): Pick<Recipe, 'hiddenPrefixes'> {
  return model?.hiddenPrefixes === undefined ? {} : { hiddenPrefixes: model.hiddenPrefixes };
}

/** Why a recipe cannot be served with this configuration: discovery would not say what exists; undefined when it does. */
export function sourceProblem({ source }: RecipeFile, config: LatchkeyConfig): string | undefined {
  if (source === undefined) return undefined;
  const published =
    source === 'k8s' ? config.k8s.inventory === 'closed' : config.global.delivery === 'reference';
  if (published && config.chain.includes(source)) return undefined;
  const setting = source === 'k8s' ? 'k8s.inventory: closed' : 'global.delivery: reference';
  return `source: what ${source} has is known only with ${source} in the chain and ${setting}`;
}
