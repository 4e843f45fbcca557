import type { DesiredCopies } from './desired-copy.ts';

/** Tells which copies a namespace is to hold, from three things that become known one by one. */
export interface CopyScope {
  /** @param copiesOf the copies of a selected namespace */
  desire(copiesOf: (namespace: string) => DesiredCopies): void;
  select(namespaces: ReadonlySet<string>): void;
  /** Notes that the copies of a namespace (undefined: of all) have been listed. */
  listed(namespace: string | undefined): void;
  /** Returns the copies that a namespace is to hold; undefined while one of the three is unknown. */
  desiredIn(namespace: string): DesiredCopies | undefined;
  selected(): ReadonlySet<string>;
}

const nothing: DesiredCopies = new Map();

export function createCopyScope(): CopyScope {
  const listed = new Set<string | undefined>();
  let desired: ((namespace: string) => DesiredCopies) | undefined;
  let selected: ReadonlySet<string> | undefined;
  return {
    desire: (copiesOf) => {
      desired = copiesOf;
    },
    select: (namespaces) => {
      selected = namespaces;
    },
    listed: (namespace) => void listed.add(namespace),
    desiredIn: (namespace) => {
      const isListed = listed.has(undefined) || listed.has(namespace);
      if (desired === undefined || selected === undefined || !isListed) return undefined;
      return selected.has(namespace) ? desired(namespace) : nothing;
    },
    selected: () => selected ?? new Set(),
  };
}
