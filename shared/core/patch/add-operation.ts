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
export const appendTo = (
  path: string,
  list: readonly unknown[] | undefined,
  items: unknown[],
): AddOperation[] => addEach(path, list, items, '-');

/**
 * Returns the operations that put items before an entry of a list, or at its end, in their order. A list that is absent or
 * null is created.
 */
export const insertInto = (
  path: string,
  list: readonly unknown[] | undefined,
  items: unknown[],
  index: number,
): AddOperation[] => addEach(path, list, items, index);

function addEach(
  path: string,
  list: readonly unknown[] | undefined,
  items: unknown[],
  place: '-' | number,
): AddOperation[] {
  if (items.length === 0) return [];
  if (list === undefined) return [{ op: 'add', path, value: items }];
  // Each is put before the one put there last.
  const inOrder = place === '-' ? items : items.toReversed();
  return inOrder.map((value) => ({ op: 'add', path: `${path}/${place}`, value }));
}
