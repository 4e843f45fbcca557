import { isLaterResourceVersion } from '#shared/kubernetes/reflector/resource-version.ts';
import { createNamespacedMap } from '../kubernetes/namespaced-map.ts';
import { holdsData, type KnownCopies, type KnownCopy, type OwnedCopy } from './copy-plan.ts';
import type { DesiredCopies } from './desired-copy.ts';

/**
 * Knows the copies from two sides that overtake one another: the watch, and the answers to our own writes. Of both the
 * later resourceVersion counts, so that an answer never hides what somebody did after it.
 */
export interface CopyLedger {
  /** Returns the copies known in a namespace. */
  of(namespace: string): KnownCopy[];
  /**
   * Returns what is known, to be planned with. Notes which copies hold what is desired, and drops names that are not
   * desired and from which a copy went.
   */
  take(namespace: string, desired: DesiredCopies): KnownCopies;
  /** Returns the namespaces of which something is known. */
  namespaces(): Iterable<string>;
  /** Takes a copy as the watch saw it. */
  seen(copy: OwnedCopy): void;
  /** Takes a copy that the watch saw go, or lose its label. @param resourceVersion of the event */
  gone(copy: OwnedCopy, resourceVersion: string): void;
  /** Takes a complete list: what it lacks is gone, unless it was written later. @param namespace undefined: of all */
  listed(namespace: string | undefined, copies: Iterable<OwnedCopy>, resourceVersion: string): void;
  /** Takes the answer to a write of ours. @param keys that were written */
  stored(copy: OwnedCopy, keys: ReadonlySet<string>): void;
  /** Takes the answer to a deletion of ours. */
  removed(namespace: string, name: string, uid: string): void;
}

export function createCopyLedger(): CopyLedger {
  const entries = createLedgerEntries();
  /** Holds, by namespace (undefined: all), the resourceVersion of the last list: it held no name without entry. */
  const listedAt = new Map<string | undefined, string>();
  return {
    seen: entries.see,
    gone: ({ namespace, name }, resourceVersion) => entries.vanish(namespace, name, resourceVersion),
    of: (namespace) => Array.from(entries.of(namespace).values(), ({ copy }) => copy ?? []).flat(),
    take: (namespace, desired) => takeKnown(entries, namespace, desired),
    namespaces: entries.namespaces,
    listed: (namespace, copies, resourceVersion) => {
      listedAt.set(namespace, resourceVersion);
      takeList(entries, namespace, copies, resourceVersion);
    },
    stored: (copy, keys) => {
      const { namespace, name, resourceVersion: at } = copy;
      const entryAt = entries.of(namespace).get(name)?.at;
      const lastAt = entryAt ?? listedAt.get(namespace) ?? listedAt.get(undefined);
      if (lastAt !== undefined && lastAt !== at && isLaterResourceVersion(at, lastAt) !== true) return;
      entries.set(namespace, name, { at, copy: { ...copy, ourKeys: keys } });
    },
    removed: (namespace, name, uid) => {
      if (entries.of(namespace).get(name)?.copy?.uid === uid) entries.set(namespace, name, undefined);
    },
  };
}

/** Says what stands at a name as of a resourceVersion; `copy` undefined = nothing. */
interface LedgerEntry {
  at: string;
  copy: KnownCopy | undefined;
}

type LedgerEntries = ReturnType<typeof createLedgerEntries>;

/** Keeps the entries by namespace and name; of what the watch tells, it takes what is not older than the entry. */
function createLedgerEntries() {
  const entries = createNamespacedMap<LedgerEntry>();
  /** The watch is in order; only an answer of ours may be later than what it tells. */
  const isNews = (namespace: string, name: string, resourceVersion: string): boolean => {
    const entry = entries.of(namespace).get(name);
    return entry === undefined || isLaterResourceVersion(resourceVersion, entry.at) !== false;
  };
  const see = (copy: OwnedCopy): void => {
    const { namespace, name, resourceVersion: at } = copy;
    if (!isNews(namespace, name, at)) return;
    const before = entries.of(namespace).get(name)?.copy;
    const ourKeys = before !== undefined && isSameContent(before, copy) ? before.ourKeys : undefined;
    entries.set(namespace, name, { at, copy: { ...copy, ourKeys } });
  };
  const vanish = (namespace: string, name: string, at: string): void => {
    if (isNews(namespace, name, at)) entries.set(namespace, name, { at, copy: undefined });
  };
  return { ...entries, see, vanish };
}

function takeKnown(entries: LedgerEntries, namespace: string, desired: DesiredCopies): KnownCopies {
  const copies = new Map<string, KnownCopy>();
  const lost = new Set<string>();
  for (const [name, { copy }] of [...entries.of(namespace)]) {
    const wanted = desired.get(name);
    if (copy === undefined && wanted === undefined) entries.set(namespace, name, undefined);
    else if (copy === undefined) lost.add(name);
    else copies.set(name, copy);
    if (copy !== undefined && wanted !== undefined && holdsData(copy, wanted)) copy.ourKeys = wanted.keys;
  }
  return { copies, lost };
}

function takeList(
  entries: LedgerEntries,
  namespace: string | undefined,
  copies: Iterable<OwnedCopy>,
  resourceVersion: string,
): void {
  const present = createNamespacedMap<true>();
  for (const copy of copies) {
    present.set(copy.namespace, copy.name, true);
    entries.see(copy);
  }
  for (const scope of namespace === undefined ? [...entries.namespaces()] : [namespace]) {
    for (const name of [...entries.of(scope).keys()]) {
      if (!present.of(scope).has(name)) entries.vanish(scope, name, resourceVersion);
    }
  }
}

const isSameContent = (a: OwnedCopy, b: OwnedCopy): boolean =>
  a.uid === b.uid && a.dataDigest === b.dataDigest && a.isOpaque === b.isOpaque;
