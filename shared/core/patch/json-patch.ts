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

/** The operations that append to a list, creating it where it is absent or null (an `add` to `/-` would fail there). */
export function appendTo(
  path: string,
  list: readonly unknown[] | undefined,
  items: unknown[],
): AddOperation[] {
  if (items.length === 0) return [];
  if (list === undefined) return [{ op: 'add', path, value: items }];
  return items.map((value) => ({ op: 'add', path: `${path}/-`, value }));
}

/** The operations that put items before a list, in their order. */
export function prependTo(
  path: string,
  list: readonly unknown[] | undefined,
  items: unknown[],
): AddOperation[] {
  if (items.length === 0) return [];
  if (list === undefined) return [{ op: 'add', path, value: items }];
  return items.toReversed().map((value) => ({ op: 'add', path: `${path}/0`, value }));
}
