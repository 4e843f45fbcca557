import { copiesWithin, type GlobalCopies } from '#shared/managers/chain/global-copies.ts';
import { type DesiredCopies, desiredCopies } from './desired-copy.ts';

/** Says which copies each namespace is to hold. */
export interface CopiesByNamespace {
  of(namespace: string): DesiredCopies;
  /** Forgets a namespace that is selected no longer: they may come and go without end. */
  forget(namespace: string): void;
}

/** Copies that several namespaces are to hold. */
interface SharedCopies {
  names: string;
  copies: DesiredCopies;
  namespaces: number;
}

/**
 * Tells which copies a namespace is to hold. They are made at the first question, once for all namespaces that may hold
 * the same secrets, since every event of a copy asks.
 */
export function shareCopies(
  plan: GlobalCopies,
  mayHold: (name: string, namespace: string) => boolean,
): CopiesByNamespace {
  const byNamespace = new Map<string, SharedCopies>();
  const byNames = new Map<string, SharedCopies>();
  const sharedOf = (namespace: string): SharedCopies => {
    const allowed = new Set([...plan.placement.keys()].filter((name) => mayHold(name, namespace)));
    const names = JSON.stringify([...allowed]);
    const make = (): SharedCopies => ({
      names,
      copies: desiredCopies(copiesWithin(plan, (name) => allowed.has(name))),
      namespaces: 0,
    });
    const shared = byNames.get(names) ?? make();
    shared.namespaces += 1;
    byNames.set(names, shared);
    byNamespace.set(namespace, shared);
    return shared;
  };
  return {
    of: (namespace) => (byNamespace.get(namespace) ?? sharedOf(namespace)).copies,
    forget: (namespace) => {
      const shared = byNamespace.get(namespace);
      if (shared === undefined) return;
      byNamespace.delete(namespace);
      shared.namespaces -= 1;
      if (shared.namespaces === 0) byNames.delete(shared.names);
    },
  };
}
