import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import type { InventoryNamespace } from '#shared/contracts/inventory/inventory-namespace.ts';
import type { RuleEntry } from '#shared/contracts/rules/rule-entry.ts';
import type { Recipe } from '#shared/contracts/rules/rule-recipe.ts';

/** One secret manager as pure functions: how it injects, and what an inventory fact means to it. */
export interface Manager {
  /** Name in the chain and prefix in the rules bucket. */
  name: string;
  /** Source of its inventory, the prefix in the inventory bucket. */
  source: string;
  recipe(config: LatchkeyConfig): Recipe;
  /** The rule that a fact becomes; undefined when this manager does not serve it. */
  entry(
    fact: InventoryEntry,
    config: LatchkeyConfig,
  ): { namespace: string | undefined; secret: string; entry: RuleEntry } | undefined;
  /** Whether the marker says enough to answer for this namespace. */
  knowsNamespace(marker: InventoryNamespace, config: LatchkeyConfig): boolean;
}
