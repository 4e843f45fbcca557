import { copiesWithin, type GlobalCopies } from '#shared/managers/chain/global-copies.ts';
import { type DesiredCopies, desiredCopies } from './desired-copy.ts';

/**
 * Returns a function that tells which copies a namespace is to hold. They are made at the first call, once for all
 * namespaces that may hold the same secrets, since every event of a copy asks.
 */
export function shareCopies(
  plan: GlobalCopies,
  mayHold: (name: string, namespace: string) => boolean,
): (namespace: string) => DesiredCopies {
  const byNamespace = new Map<string, DesiredCopies>();
  const byNames = new Map<string, DesiredCopies>();
  const sharedOf = (namespace: string): DesiredCopies => {
    const allowed = new Set([...plan.placement.keys()].filter((name) => mayHold(name, namespace)));
    const names = JSON.stringify([...allowed]);
    const copies = byNames.get(names) ?? desiredCopies(copiesWithin(plan, (name) => allowed.has(name)));
    byNames.set(names, copies);
    return copies;
  };
  return (namespace) => {
    const copies = byNamespace.get(namespace) ?? sharedOf(namespace);
    byNamespace.set(namespace, copies);
    return copies;
  };
}
