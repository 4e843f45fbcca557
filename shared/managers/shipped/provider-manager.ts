import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import type { Manager } from './manager.ts';

/**
 * A manager whose secrets live outside the cluster. With an open inventory no fact is needed; with a closed one its
 * resolver asks the provider, and each fact it finds becomes an entry of every namespace.
 * @param itemsOf the inventory's names that a fact stands for: what a request must come to (recipe.lookup, or
 *   recipe.inventoryKey where that is given); by default the fact's own
 */
export function providerManager(
  name: string,
  recipe: Manager['recipe'],
  itemsOf: (fact: InventoryEntry, config: LatchkeyConfig) => string[] = ({ secret }) => [secret],
): Manager {
  return {
    name,
    source: name,
    recipe,
    entry: (fact, config) => {
      const items = Object.fromEntries(itemsOf(fact, config).map((item) => [item, {}]));
      return { namespace: undefined, secret: fact.secret, entry: { schema: 1, items } };
    },
    knowsNamespace: () => false,
  };
}
