import { z } from 'zod';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { providerSchemas } from '#shared/contracts/config/provider-config.ts';
import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import type { InventoryNamespace } from '#shared/contracts/inventory/inventory-namespace.ts';
import { withNodeLimit } from '#shared/contracts/shapes/check-shape.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { createRuleIndex, type RuleChange } from '#shared/core/rules/index/rule-index.ts';
import { type CompiledRecipe, compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import { planGlobalCopies } from './global-copies.ts';

/** Most values in a file that an operator writes, or has had written: 100,000 Secrets of five keys and more. */
const mostNodes = 1_000_000;
const texts = z.record(z.string(), z.string());
const listedNames = z.array(z.string()).default([]);
/** Of a provider with a closed inventory what its resolver lists: ARNs, URIs, paths; of GCP name -> versions. */
const providerLists = {
  aws: listedNames,
  azure: listedNames,
  vault: listedNames,
  gcp: z.record(z.string(), z.array(z.string())).default({}),
} satisfies Record<keyof typeof providerSchemas, z.ZodType>;

/** What exists, as an operator or a test states it instead of discovery. */
export const inventorySchema = withNodeLimit(
  mostNodes,
  z.strictObject({
    /** Global secrets: environment variables with their prefix, and files as `group/key`; with their values. */
    global: z.strictObject({ env: texts.default({}), files: texts.default({}) }).prefault({}),
    /** Namespace -> Secret -> its keys. A namespace that is present is known completely. */
    k8s: z.record(z.string(), z.record(z.string(), z.array(z.string()))).default({}),
    ...providerLists,
  }),
);
type Inventory = z.infer<typeof inventorySchema>;

interface Fact {
  fact: InventoryEntry;
  value?: string;
}

/**
 * The rules that a gateway would hold if discovery had found an inventory. The recipes are compiled here, once for all
 * inventories; `own` are managers of the operator's own. Of the namespace of a request global secrets are taken as copied into it.
 */
export function createOfflineRules(
  config: LatchkeyConfig,
  own: readonly Manager[] = [],
): (inventory: Inventory, namespace: string) => Rules {
  const chained = [...managers.values(), ...own]
    .filter(({ name }) => config.chain.includes(name))
    .map((manager) => ({ manager, recipe: manager.recipe(config) }));
  const compiled = new Map<unknown, CompiledRecipe>(
    chained.map(({ recipe }) => [recipe, compileRecipe(recipe)]),
  );
  return (inventory, namespace) => {
    const facts = [...globalFacts(config, inventory), ...k8sFacts(inventory), ...providerFacts(inventory)];
    const markers = namespaceMarkers(inventory, namespace);
    const index = createRuleIndex({ compile: (recipe) => compiled.get(recipe) ?? compileRecipe(recipe) });
    for (const { manager, recipe } of chained) {
      const owner = manager.name;
      const ofSource = <T extends { source: string }>({ source }: T): boolean => source === manager.source;
      const [fault] = index.apply(owner, [
        { key: { owner, kind: 'recipe' }, value: recipe },
        ...markers
          .filter((known) => ofSource(known) && manager.knowsNamespace(known.marker, config))
          .map(({ marker }) => namespaceChange(owner, marker.namespace)),
        ...facts
          .filter(({ fact }) => ofSource(fact))
          .flatMap(({ fact, value }) => entryChange(manager, config, fact, value)),
      ]);
      if (fault !== undefined) throw fault;
    }
    const { chain, k8s, gateway } = config;
    const { skippedContainers } = gateway;
    const { namespaces } = k8s;
    return { index, chain, namespaces, skippedContainers, isStale: () => false, ageMs: () => 0 };
  };
}

function namespaceMarkers(
  inventory: Inventory,
  namespace: string,
): { source: string; marker: InventoryNamespace }[] {
  return [
    { source: 'global', marker: { schema: 1, namespace, globalsReady: true } },
    ...Object.keys(inventory.k8s).map((known) => ({
      source: 'k8s',
      marker: { schema: 1 as const, namespace: known, watched: true },
    })),
  ];
}

function namespaceChange(owner: string, namespace: string): RuleChange {
  return { key: { owner, kind: 'namespace', namespace }, value: { schema: 1, namespace } };
}

function entryChange(
  manager: Manager,
  config: LatchkeyConfig,
  fact: InventoryEntry,
  value: string | undefined,
): RuleChange[] {
  const rule = manager.entry(fact, config);
  if (rule === undefined) return [];
  const { namespace, secret, entry } = rule;
  const inline = config.global.delivery === 'inline' && value !== undefined;
  // Inline values exist only here: on the bus an entry names a secret and no more.
  const body = inline ? { schema: 1, items: { [secret]: { value } } } : entry;
  return [{ key: { owner: manager.name, kind: 'entry', namespace, secret }, value: body }];
}

function globalFacts(config: LatchkeyConfig, { global }: Inventory): Fact[] {
  const { envPrefix } = config.global;
  const values = [
    ...Object.entries(global.env)
      .filter(([variable]) => variable.startsWith(envPrefix) && variable.length > envPrefix.length)
      .map(([variable, value]) => ({ name: `env:${variable.slice(envPrefix.length)}`, value })),
    ...Object.entries(global.files).map(([path, value]) => ({ name: `file:${path}`, value })),
  ];
  const { placement } = planGlobalCopies(
    values.map(({ name, value }) => ({ name, value: Buffer.from(value) })),
  );
  return values.map(({ name, value }) => {
    const copy = placement.get(name);
    const fact = { schema: 1 as const, source: 'global', secret: name, keys: [], version: 'offline' };
    return { fact: copy === undefined ? fact : { ...fact, copy }, value };
  });
}

function k8sFacts({ k8s }: Inventory): Fact[] {
  return Object.entries(k8s).flatMap(([namespace, secrets]) =>
    Object.entries(secrets).map(([secret, keys]) => ({
      fact: { schema: 1, source: 'k8s', namespace, secret, keys, version: 'offline' },
    })),
  );
}

function providerFacts(inventory: Inventory): Fact[] {
  const providers = Object.keys(providerLists) as (keyof typeof providerLists)[];
  return providers.flatMap((source) =>
    keysOf(inventory[source]).map(([secret, keys]) => ({
      fact: { schema: 1, source, secret, keys, version: 'offline' },
    })),
  );
}

/** Gives each listed secret its keys; one that is listed by its name alone has none. */
const keysOf = (listed: string[] | Record<string, string[]>): [secret: string, keys: string[]][] =>
  Array.isArray(listed) ? listed.map((secret) => [secret, []]) : Object.entries(listed);
