import { isLater } from '#shared/kubernetes/resource-version.ts';
import { createNamespacedMap } from '../kubernetes/namespaced-map.ts';
import { holdsData, type KnownCopies, type KnownCopy, type OwnedCopy } from './copy-plan.ts';
import type { DesiredCopies } from './desired-copy.ts';

/**
 * What is known of the copies, from two sides that overtake one another: the watch, and the answers to our own writes. Of
 * both the later resourceVersion counts, so that an answer never hides what somebody did after it.
 */
export interface CopyLedger {
  of(namespace: string): KnownCopy[];
  /**
   * What is known, to be planned with: notes which copies hold what is desired, and lets go of names that are not desired
   * and from which a copy went.
   */
  take(namespace: string, desired: DesiredCopies): KnownCopies;
  /** The namespaces of which something is known. */
  namespaces(): Iterable<string>;
  /** A copy as the watch saw it. */
  seen(copy: OwnedCopy): void;
  /** A copy that the watch saw go, or lose its label. @param resourceVersion of the event */
  gone(copy: OwnedCopy, resourceVersion: string): void;
  /** A complete list: what it does not hold is gone, unless it was written later. @param namespace undefined: of all */
  listed(namespace: string | undefined, copies: Iterable<OwnedCopy>, resourceVersion: string): void;
  /** The answer to a write of ours. @param keys that were written */
  stored(copy: OwnedCopy, keys: ReadonlySet<string>): void;
  /** The answer to a deletion of ours. */
  removed(namespace: string, name: string, uid: string): void;
}

/** `copy` undefined: there was none at that resourceVersion. */
type Entry = { at: string; copy: KnownCopy | undefined };

export function createCopyLedger(): CopyLedger {
  const entries = createNamespacedMap<Entry>();
  const entryOf = (namespace: string, name: string): Entry | undefined => entries.of(namespace).get(name);
  /** By namespace (undefined: all) the resourceVersion of the last list: of a name without entry it held none. */
  const listedAt = new Map<string | undefined, string>();
  /** What the watch tells comes in order; only an answer of ours may be later. */
  const isNews = (namespace: string, name: string, resourceVersion: string): boolean => {
    const entry = entryOf(namespace, name);
    return entry === undefined || isLater(resourceVersion, entry.at) !== false;
  };

  const seen = (copy: OwnedCopy): void => {
    const { namespace, name, resourceVersion: at } = copy;
    if (!isNews(namespace, name, at)) return;
    const before = entryOf(namespace, name)?.copy;
    const ourKeys = before !== undefined && isSameContent(before, copy) ? before.ourKeys : undefined;
    entries.set(namespace, name, { at, copy: { ...copy, ourKeys } });
  };
  const vanish = (namespace: string, name: string, at: string): void => {
    if (isNews(namespace, name, at)) entries.set(namespace, name, { at, copy: undefined });
  };

  return {
    seen,
    gone: ({ namespace, name }, resourceVersion) => vanish(namespace, name, resourceVersion),
    of: (namespace) => Array.from(entries.of(namespace).values(), ({ copy }) => copy ?? []).flat(),
    take: (namespace, desired) => {
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
    },
    namespaces: entries.namespaces,
    listed: (namespace, copies, resourceVersion) => {
      listedAt.set(namespace, resourceVersion);
      const standing = createNamespacedMap<true>();
      for (const copy of copies) {
        standing.set(copy.namespace, copy.name, true);
        seen(copy);
      }
      for (const scope of namespace === undefined ? [...entries.namespaces()] : [namespace]) {
        for (const name of [...entries.of(scope).keys()]) {
          if (!standing.of(scope).has(name)) vanish(scope, name, resourceVersion);
        }
      }
    },
    stored: (copy, keys) => {
      const { namespace, name, resourceVersion: at } = copy;
      const lastAt = entryOf(namespace, name)?.at ?? listedAt.get(namespace) ?? listedAt.get(undefined);
      if (lastAt !== undefined && lastAt !== at && isLater(at, lastAt) !== true) return;
      entries.set(namespace, name, { at, copy: { ...copy, ourKeys: keys } });
    },
    removed: (namespace, name, uid) => {
      if (entryOf(namespace, name)?.copy?.uid === uid) entries.set(namespace, name, undefined);
    },
  };
}

const isSameContent = (a: OwnedCopy, b: OwnedCopy): boolean =>
  a.uid === b.uid && a.dataDigest === b.dataDigest && a.isOpaque === b.isOpaque;
