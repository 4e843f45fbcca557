import type { Manager } from './manager.ts';

/**
 * A manager whose secrets live outside the cluster. What exists there is not discovered yet: with an open inventory,
 * the only one that services accept (chain-problems.ts), no fact is needed.
 */
export function providerManager(name: string, recipe: Manager['recipe']): Manager {
  return { name, source: name, recipe, entry: () => undefined, knowsNamespace: () => false };
}
