/** The only operation of RFC 6902 that latchkey emits. */
export interface AddOperation {
  op: 'add';
  path: string;
  value: unknown;
}

/** A value to be added, and its JSON: what many pods get is written once. */
export interface Addition<T = unknown> {
  value: T;
  json: string;
}

/** An operation, and its JSON. */
export interface WrittenOperation {
  operation: AddOperation;
  json: string;
}

/** Writes a value that is to be added. */
export const addition = <T>(value: T): Addition<T> => ({ value, json: JSON.stringify(value) });

/** Returns the operations that put each value at the same path, one after the other. */
export function addAt(path: string, items: readonly Addition[]): WrittenOperation[] {
  const head = `{"op":"add","path":${JSON.stringify(path)},"value":`;
  return items.map(({ value, json }) => ({ operation: { op: 'add', path, value }, json: `${head}${json}}` }));
}

/** Writes operations as a JSON patch. */
export const formatPatch = (operations: readonly WrittenOperation[]): string =>
  `[${operations.map(({ json }) => json).join(',')}]`;

/** Escapes one reference token of a JSON pointer (RFC 6901): `~` first, then `/`. */
export function escapePointer(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Returns the operations that append to a list. One that is absent or null is created: an `add` to `/-` would fail. */
export const appendTo = (
  path: string,
  list: readonly unknown[] | undefined,
  items: readonly Addition[],
): WrittenOperation[] => addEach(path, list, items, '-');

/**
 * Returns the operations that put items before an entry of a list, or at its end, in their order. A list that is absent or
 * null is created.
 */
export const insertInto = (
  path: string,
  list: readonly unknown[] | undefined,
  items: readonly Addition[],
  index: number,
): WrittenOperation[] => addEach(path, list, items, index);

function addEach(
  path: string,
  list: readonly unknown[] | undefined,
  items: readonly Addition[],
  place: '-' | number,
): WrittenOperation[] {
  if (items.length === 0) return [];
  if (list === undefined) {
    const json = `[${items.map((item) => item.json).join(',')}]`;
    return addAt(path, [{ value: items.map(({ value }) => value), json }]);
  }
  // Each is put before the one put there last.
  const inOrder = place === '-' ? items : items.toReversed();
  return addAt(`${path}/${place}`, inOrder);
}
