import type { KubernetesObject } from '#shared/kubernetes/requests/kubernetes-object.ts';

/** Reduces an object to what its owner keeps, under a key of its own; undefined = not of interest. */
export type Transform<T> = (object: KubernetesObject) => { key: string; value: T } | undefined;

/** What became of one key. */
export type Change<T> =
  | { type: 'set'; key: string; value: T; previous: T | undefined }
  /** `resourceVersion` is the deletion's, or the list's that does not contain it. */
  | { type: 'delete'; key: string; previous: T; resourceVersion: string };

interface StoredObject<T> {
  key: string;
  value: T;
  resourceVersion: string | undefined;
}

/** A complete list in the making; objects go in one by one so that none is kept. */
export type ListSnapshot<T> = Map<string, StoredObject<T>>;

/**
 * Stores a collection, transformed at once: nothing of an object but its transformed value is kept. Objects are told
 * apart by namespace and name, so that one which a new version makes uninteresting, or gives another key, is let go.
 */
export interface ObjectStore<T> {
  items: ReadonlyMap<string, T>;
  /** Adds an object of a list, or its newer version. */
  collect(snapshot: ListSnapshot<T>, object: KubernetesObject): void;
  /** Forgets an object that was deleted while the list was sent. */
  discard(snapshot: ListSnapshot<T>, object: KubernetesObject): void;
  /** Makes a complete list the truth; the changes are the difference, deletions first. */
  replaceAll(snapshot: ListSnapshot<T>, resourceVersion: string): Change<T>[];
  set(object: KubernetesObject): Change<T>[];
  remove(object: KubernetesObject): Change<T>[];
}

const identityOf = ({ metadata }: KubernetesObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;

export function createObjectStore<T>(transform: Transform<T>): ObjectStore<T> {
  const objects = new Map<string, StoredObject<T>>();
  const items = new Map<string, T>();

  const drop = (identity: string, resourceVersion = ''): Change<T>[] => {
    const old = objects.get(identity);
    if (old === undefined) return [];
    objects.delete(identity);
    items.delete(old.key);
    return [{ type: 'delete', key: old.key, previous: old.value, resourceVersion }];
  };
  const put = (identity: string, next: StoredObject<T>): Change<T>[] => {
    const old = objects.get(identity);
    const moved = old !== undefined && old.key !== next.key ? drop(identity, next.resourceVersion) : [];
    const previous = items.get(next.key);
    objects.set(identity, next);
    items.set(next.key, next.value);
    return [...moved, { type: 'set', key: next.key, value: next.value, previous }];
  };
  const transformed = (object: KubernetesObject): StoredObject<T> | undefined => {
    const result = transform(object);
    return result && { ...result, resourceVersion: object.metadata.resourceVersion };
  };

  return {
    items,
    collect: (snapshot, object) => {
      const next = transformed(object);
      if (next === undefined) snapshot.delete(identityOf(object));
      else snapshot.set(identityOf(object), next);
    },
    discard: (snapshot, object) => void snapshot.delete(identityOf(object)),
    replaceAll: (snapshot, resourceVersion) => {
      const gone = [...objects.keys()].filter((identity) => !snapshot.has(identity));
      const changed = [...snapshot].filter(
        ([identity, next]) =>
          next.resourceVersion === undefined ||
          objects.get(identity)?.resourceVersion !== next.resourceVersion,
      );
      const dropped = gone.flatMap((identity) => drop(identity, resourceVersion));
      return [...dropped, ...changed.flatMap(([identity, next]) => put(identity, next))];
    },
    set: (object) => {
      const next = transformed(object);
      const identity = identityOf(object);
      return next === undefined ? drop(identity, object.metadata.resourceVersion) : put(identity, next);
    },
    remove: (object) => drop(identityOf(object), object.metadata.resourceVersion),
  };
}
