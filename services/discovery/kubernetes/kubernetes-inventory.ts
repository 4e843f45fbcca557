import type { InventoryFeed } from '../inventory/inventory-feed.ts';
import { createNamespacedMap } from './namespaced-map.ts';
import type { SecretFact } from './secret-fact.ts';

/** Turns Secrets and the selection of namespaces, which change independently, into inventory. */
interface KubernetesInventory {
  secret(namespace: string, name: string, fact: SecretFact | undefined): void;
  /** The namespaces whose Secrets may be offered and are completely listed. */
  select(namespaces: ReadonlySet<string>): void;
  /** How many Secrets of the selected namespaces are left out, by the limit that they are above. */
  leftOut(): Record<LeftOut, number>;
}

type LeftOut = NonNullable<SecretFact['leftOut']>;

/**
 * Secrets of unselected namespaces are remembered by name only, so that selecting one later needs no new list.
 * @param onLeftOut called for each Secret that is left out from now on
 */
export function createKubernetesInventory(
  source: string,
  feed: InventoryFeed,
  onLeftOut: (fact: SecretFact) => void = () => undefined,
): KubernetesInventory {
  const facts = createNamespacedMap<SecretFact>();
  const counts = new Map<string, Record<LeftOut, number>>();
  let selected: ReadonlySet<string> = new Set();

  const count = (namespace: string, reason: LeftOut | undefined, more: 1 | -1): void => {
    if (reason === undefined) return;
    const counted = counts.get(namespace) ?? { keys: 0, namespace: 0 };
    counted[reason] += more;
    if (counted.keys + counted.namespace === 0) counts.delete(namespace);
    else counts.set(namespace, counted);
  };

  const publish = (namespace: string, name: string, fact: SecretFact | undefined): void => {
    feed.entry(
      namespace,
      name,
      fact === undefined || fact.leftOut === 'namespace'
        ? undefined
        : {
            schema: 1,
            source,
            namespace,
            secret: name,
            keys: fact.keys,
            version: fact.resourceVersion,
            ...(fact.leftOut === 'keys' ? { leftOut: true } : {}),
          },
    );
  };
  const mark = (namespace: string): void => {
    const isPartial = (counts.get(namespace)?.namespace ?? 0) > 0;
    feed.namespace(namespace, {
      schema: 1,
      namespace,
      watched: true,
      ...(isPartial ? { partial: true } : {}),
    });
  };
  const add = (namespace: string): void => {
    for (const [name, fact] of facts.of(namespace)) {
      publish(namespace, name, fact);
      if (fact.leftOut !== undefined) onLeftOut(fact);
    }
    mark(namespace);
  };
  const drop = (namespace: string): void => {
    // The marker goes first: until the entries are gone too the namespace is unknown, never half empty.
    feed.namespace(namespace, undefined);
    for (const name of facts.of(namespace).keys()) publish(namespace, name, undefined);
  };

  return {
    secret: (namespace, name, fact) => {
      const previous = facts.set(namespace, name, fact);
      count(namespace, previous?.leftOut, -1);
      count(namespace, fact?.leftOut, 1);
      if (!selected.has(namespace) || (fact === undefined && previous === undefined)) return;
      publish(namespace, name, fact);
      mark(namespace);
      if (fact?.leftOut !== undefined && previous?.leftOut === undefined) onLeftOut(fact);
    },
    select: (namespaces) => {
      const previous = selected;
      selected = namespaces;
      for (const namespace of namespaces) if (!previous.has(namespace)) add(namespace);
      for (const namespace of previous) if (!namespaces.has(namespace)) drop(namespace);
    },
    leftOut: () => {
      const sum = { keys: 0, namespace: 0 };
      for (const [namespace, { keys, namespace: noRoom }] of counts) {
        if (!selected.has(namespace)) continue;
        sum.keys += keys;
        sum.namespace += noRoom;
      }
      return sum;
    },
  };
}
