/** Maps namespace and name to values; a namespace without values takes no room. */
interface NamespacedMap<T> {
  /** Sets, or with undefined removes, a value; returns the one before. */
  set(namespace: string, name: string, value: T | undefined): T | undefined;
  of(namespace: string): ReadonlyMap<string, T>;
  /** Returns the namespaces that have values. */
  namespaces(): Iterable<string>;
}

export function createNamespacedMap<T>(): NamespacedMap<T> {
  const namespaces = new Map<string, Map<string, T>>();
  return {
    of: (namespace) => namespaces.get(namespace) ?? new Map(),
    namespaces: () => namespaces.keys(),
    set: (namespace, name, value) => {
      const values = namespaces.get(namespace) ?? new Map<string, T>();
      const previous = values.get(name);
      if (value === undefined) values.delete(name);
      else values.set(name, value);
      if (values.size === 0) namespaces.delete(namespace);
      else namespaces.set(namespace, values);
      return previous;
    },
  };
}
