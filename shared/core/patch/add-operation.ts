/** The only operation of RFC 6902 that latchkey emits. */
export interface AddOperation {
  op: 'add';
  path: string;
  value: unknown;
}

/** Escapes one reference token of a JSON pointer (RFC 6901): `~` first, then `/`. */
export function escapePointer(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Returns the operations that append to a list. One that is absent or null is created: an `add` to `/-` would fail. */
export function appendTo(
  path: string,
  list: readonly unknown[] | undefined,
  items: unknown[],
): AddOperation[] {
  if (items.length === 0) return [];
  if (list === undefined) return [{ op: 'add', path, value: items }];
  return items.map((value) => ({ op: 'add', path: `${path}/-`, value }));
}

/** Returns the operations that put items before a list, in their order. */
export function prependTo(
  path: string,
  list: readonly unknown[] | undefined,
  items: unknown[],
): AddOperation[] {
  if (items.length === 0) return [];
  if (list === undefined) return [{ op: 'add', path, value: items }];
  return items.toReversed().map((value) => ({ op: 'add', path: `${path}/0`, value }));
}
