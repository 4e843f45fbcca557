import type { DesiredCopies } from './desired-copy.ts';
import type { CopiesByNamespace } from './share-copies.ts';

/** Tells which copies a namespace is to hold, from three things that become known one by one. */
export interface CopyScope {
  /** @param copies of the selected namespaces */
  desire(copies: CopiesByNamespace): void;
  /** @param changed those that came or went, or more */
  select(namespaces: ReadonlySet<string>, changed: Iterable<string>): void;
  /** Notes that the copies of a namespace (undefined: of all) have been listed. */
  listed(namespace: string | undefined): void;
  /** Returns the copies that a namespace is to hold; undefined while one of the three is unknown. */
  desiredIn(namespace: string): DesiredCopies | undefined;
  selected(): ReadonlySet<string>;
  /** Tells whether the selection is known. */
  isSelected(): boolean;
}

const nothing: DesiredCopies = new Map();

export function createCopyScope(): CopyScope {
  const listed = new Set<string | undefined>();
  let desired: CopiesByNamespace | undefined;
  let selected: ReadonlySet<string> | undefined;
  return {
    desire: (copies) => {
      desired = copies;
    },
    select: (namespaces, changed) => {
      selected = namespaces;
      for (const namespace of changed) if (!namespaces.has(namespace)) desired?.forget(namespace);
    },
    listed: (namespace) => void listed.add(namespace),
    desiredIn: (namespace) => {
      const isListed = listed.has(undefined) || listed.has(namespace);
      if (desired === undefined || selected === undefined || !isListed) return undefined;
      return selected.has(namespace) ? desired.of(namespace) : nothing;
    },
    selected: () => selected ?? new Set(),
    isSelected: () => selected !== undefined,
  };
}
