import type { KubernetesObject } from './kubernetes-object.ts';

/** What the owner of the reflector makes of an object, under a key of its own; undefined = not of interest. */
export type Project<T> = (object: KubernetesObject) => { key: string; value: T } | undefined;

/** What became of one key. */
export type Change<T> =
  | { type: 'set'; key: string; value: T; previous: T | undefined }
  /** `resourceVersion` is the deletion's, or the list's that does not hold it. */
  | { type: 'delete'; key: string; previous: T; resourceVersion: string };

interface Held<T> {
  key: string;
  value: T;
  resourceVersion: string | undefined;
}

/** A complete list in the making; objects go in one by one so that none is kept. */
export type Listing<T> = Map<string, Held<T>>;

/**
 * What is known of a collection, projected at once: nothing of an object but its projection is kept. Objects are told
 * apart by namespace and name, so that one which a new version makes uninteresting, or gives another key, is let go.
 */
export interface HeldObjects<T> {
  items: ReadonlyMap<string, T>;
  /** Notes an object of a list, or its newer version. */
  collect(listing: Listing<T>, object: KubernetesObject): void;
  /** Forgets an object that was deleted while the list was sent. */
  discard(listing: Listing<T>, object: KubernetesObject): void;
  /** Makes a complete listing the truth; the changes are the difference, deletions first. */
  replaceAll(listing: Listing<T>, resourceVersion: string): Change<T>[];
  set(object: KubernetesObject): Change<T>[];
  remove(object: KubernetesObject): Change<T>[];
}

const identityOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

export function createHeldObjects<T>(project: Project<T>): HeldObjects<T> {
  const held = new Map<string, Held<T>>();
  const items = new Map<string, T>();

  const drop = (identity: string, resourceVersion = ''): Change<T>[] => {
    const old = held.get(identity);
    if (old === undefined) return [];
    held.delete(identity);
    items.delete(old.key);
    return [{ type: 'delete', key: old.key, previous: old.value, resourceVersion }];
  };
  const put = (identity: string, next: Held<T>): Change<T>[] => {
    const old = held.get(identity);
    const moved = old !== undefined && old.key !== next.key ? drop(identity, next.resourceVersion) : [];
    const previous = items.get(next.key);
    held.set(identity, next);
    items.set(next.key, next.value);
    return [...moved, { type: 'set', key: next.key, value: next.value, previous }];
  };
  const heldOf = (object: KubernetesObject): Held<T> | undefined => {
    const projected = project(object);
    return projected && { ...projected, resourceVersion: object.metadata.resourceVersion };
  };

  return {
    items,
    collect: (listing, object) => {
      const next = heldOf(object);
      if (next === undefined) listing.delete(identityOf(object));
      else listing.set(identityOf(object), next);
    },
    discard: (listing, object) => void listing.delete(identityOf(object)),
    replaceAll: (listing, resourceVersion) => {
      const gone = [...held.keys()].filter((identity) => !listing.has(identity));
      const changed = [...listing].filter(
        ([identity, next]) =>
          next.resourceVersion === undefined || held.get(identity)?.resourceVersion !== next.resourceVersion,
      );
      const dropped = gone.flatMap((identity) => drop(identity, resourceVersion));
      return [...dropped, ...changed.flatMap(([identity, next]) => put(identity, next))];
    },
    set: (object) => {
      const next = heldOf(object);
      const identity = identityOf(object);
      return next === undefined ? drop(identity, object.metadata.resourceVersion) : put(identity, next);
    },
    remove: (object) => drop(identityOf(object), object.metadata.resourceVersion),
  };
}
