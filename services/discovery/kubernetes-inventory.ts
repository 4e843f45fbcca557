import type { InventoryFeed } from './inventory-feed.ts';
import { createNamespacedMap } from './namespaced-map.ts';
import type { SecretFact } from './secret-fact.ts';

/** Turns Secrets and the selection of namespaces, which change independently, into inventory. */
interface KubernetesInventory {
  secret(namespace: string, name: string, fact: SecretFact | undefined): void;
  /** The namespaces whose Secrets may be offered and are completely listed. */
  select(namespaces: ReadonlySet<string>): void;
}

/** Secrets of unselected namespaces are remembered by name only, so that selecting one later needs no new list. */
export function createKubernetesInventory(source: string, feed: InventoryFeed): KubernetesInventory {
  const facts = createNamespacedMap<SecretFact>();
  let selected: ReadonlySet<string> = new Set();

  const publish = (namespace: string, name: string, fact: SecretFact | undefined): void => {
    feed.entry(
      namespace,
      name,
      fact && { schema: 1, source, namespace, secret: name, keys: fact.keys, version: fact.resourceVersion },
    );
  };
  const add = (namespace: string): void => {
    for (const [name, fact] of facts.of(namespace)) publish(namespace, name, fact);
    feed.namespace(namespace, { schema: 1, namespace, watched: true });
  };
  const drop = (namespace: string): void => {
    // The marker goes first: until the entries are gone too the namespace is unknown, never half empty.
    feed.namespace(namespace, undefined);
    for (const name of facts.of(namespace).keys()) publish(namespace, name, undefined);
  };

  return {
    secret: (namespace, name, fact) => {
      const previous = facts.set(namespace, name, fact);
      if (selected.has(namespace) && (fact !== undefined || previous !== undefined))
        publish(namespace, name, fact);
    },
    select: (namespaces) => {
      const previous = selected;
      selected = namespaces;
      for (const namespace of namespaces) if (!previous.has(namespace)) add(namespace);
      for (const namespace of previous) if (!namespaces.has(namespace)) drop(namespace);
    },
  };
}
