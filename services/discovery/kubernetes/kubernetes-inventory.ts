import type { InventoryEntry } from '#shared/contracts/inventory/inventory-entry.ts';
import type { InventoryFeed } from '../inventory/inventory-feed.ts';
import { createNamespacedMap } from './namespaced-map.ts';
import type { SecretFact } from './secret-fact.ts';

/** Turns Secrets and the selection of namespaces, which change independently, into inventory. */
export interface KubernetesInventory {
  secret(namespace: string, name: string, fact: SecretFact | undefined): void;
  /** Takes whether the Secrets of a namespace may be offered and are completely listed. */
  select(namespace: string, isSelected: boolean): void;
  /** Counts the Secrets of the selected namespaces that are left out, by the limit that they are above. */
  leftOut(): LeftOutCount;
}

type LeftOut = NonNullable<SecretFact['leftOut']>;
type LeftOutCount = Record<LeftOut, number>;

/**
 * Creates the inventory of a source. Secrets of unselected namespaces are remembered by name only, so that selecting one
 * later needs no new list.
 * @param onLeftOut called for each Secret that is left out from now on
 */
export function createKubernetesInventory(
  source: string,
  feed: InventoryFeed,
  onLeftOut: (fact: SecretFact) => void = () => undefined,
): KubernetesInventory {
  const facts = createNamespacedMap<SecretFact>();
  const counts = createLeftOutCounts();
  const selected = new Set<string>();

  const publish = (namespace: string, name: string, fact: SecretFact | undefined): void =>
    feed.entry(namespace, name, fact && entryOf(source, fact));
  const mark = (namespace: string): void => {
    const isPartial = counts.of(namespace).namespace > 0;
    const marker = { schema: 1, namespace, watched: true } as const;
    feed.namespace(namespace, isPartial ? { ...marker, partial: true } : marker);
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
      counts.replace(namespace, previous?.leftOut, fact?.leftOut);
      if (!selected.has(namespace) || (fact === undefined && previous === undefined)) return;
      publish(namespace, name, fact);
      mark(namespace);
      if (fact?.leftOut !== undefined && previous?.leftOut === undefined) onLeftOut(fact);
    },
    select: (namespace, isSelected) => {
      if (selected.has(namespace) === isSelected) return;
      if (isSelected) {
        selected.add(namespace);
        add(namespace);
      } else {
        selected.delete(namespace);
        drop(namespace);
      }
    },
    leftOut: () => counts.sumOf(selected),
  };
}

/** Makes the entry of a Secret; undefined for one that its namespace has no room for. */
function entryOf(source: string, fact: SecretFact): InventoryEntry | undefined {
  if (fact.leftOut === 'namespace') return undefined;
  const { namespace, name: secret, keys, resourceVersion: version } = fact;
  const entry: InventoryEntry = { schema: 1, source, namespace, secret, keys, version };
  return fact.leftOut === 'keys' ? { ...entry, leftOut: true } : entry;
}

/** Counts the Secrets that are left out, by namespace; one without any takes no room. */
function createLeftOutCounts() {
  const counts = new Map<string, LeftOutCount>();
  const of = (namespace: string): LeftOutCount => counts.get(namespace) ?? { keys: 0, namespace: 0 };
  return {
    of,
    replace: (namespace: string, previous: LeftOut | undefined, next: LeftOut | undefined): void => {
      const count = of(namespace);
      if (previous !== undefined) count[previous] -= 1;
      if (next !== undefined) count[next] += 1;
      if (count.keys + count.namespace === 0) counts.delete(namespace);
      else counts.set(namespace, count);
    },
    sumOf: (namespaces: ReadonlySet<string>): LeftOutCount => {
      const sum = { keys: 0, namespace: 0 };
      for (const [namespace, count] of counts) {
        if (!namespaces.has(namespace)) continue;
        sum.keys += count.keys;
        sum.namespace += count.namespace;
      }
      return sum;
    },
  };
}
