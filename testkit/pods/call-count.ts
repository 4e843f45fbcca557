/** Built-in functions of which each call is a bounded piece of work, or gives a list of such pieces. */
const builtIns: readonly (readonly [object, readonly string[]])[] = [
  [Map.prototype, ['get', 'has', 'set']],
  [Set.prototype, ['has', 'add']],
  [Array.prototype, ['push', 'flatMap', 'map']],
  [String.prototype, ['slice', 'split', 'indexOf', 'lastIndexOf', 'startsWith', 'charCodeAt', 'replaceAll']],
  [RegExp.prototype, ['exec']],
  [Object, ['hasOwn', 'keys', 'entries']],
];

/**
 * Counts the calls of built-in functions, and the items of the lists that they give, while something is done: how much it
 * does whatever it says itself, and the same on every machine.
 */
export function countCalls<T>(work: () => T): { result: T; calls: number } {
  let calls = 0;
  const undo = builtIns.flatMap(([owner, names]) =>
    names.map((name) => {
      const descriptor = Object.getOwnPropertyDescriptor(owner, name) ?? {};
      const original = descriptor.value;
      Object.defineProperty(owner, name, {
        ...descriptor,
        value(this: unknown, ...given: unknown[]) {
          const result: unknown = Reflect.apply(original, this, given);
          calls += owner !== Map.prototype && Array.isArray(result) ? 1 + result.length : 1;
          return result;
        },
      });
      return () => Object.defineProperty(owner, name, descriptor);
    }),
  );
  try {
    return { result: work(), calls };
  } finally {
    for (const restore of undo) restore();
  }
}
