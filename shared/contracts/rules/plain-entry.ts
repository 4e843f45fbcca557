const opening = Buffer.from('{"schema":1,"items":{');
const closing = Buffer.from('}}');
/** What follows each lookup key: an item without variables. */
const plainItem = Buffer.from('":{}');
/** Longer ones are few, and are looked at before they are read (`findForeignExcess`). */
const mostBytes = 65_536;
const [quoteMark, backslash, comma, space, tilde] = [0x22, 0x5c, 0x2c, 0x20, 0x7e];

/**
 * Reads the lookup keys of an entry (`ruleEntrySchema`) that has nothing but items without variables, as nearly all have.
 * Undefined for every other body, and for one that is not written as a publisher writes it: it may be an entry all the same.
 * A general parser makes an object of keys that no other object has, for which the engine keeps a class of its own: a
 * hundred thousand of them take a second and thirty megabytes.
 */
export function readPlainEntry(bytes: Uint8Array): string[] | undefined {
  const end = bytes.length - closing.length;
  if (bytes.length > mostBytes || end <= opening.length) return undefined;
  if (!startsAt(bytes, 0, opening) || !startsAt(bytes, end, closing)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const lookupKeys: string[] = [];
  for (let position = opening.length; ; position += 1) {
    const keyEnd = bytes[position] === quoteMark ? endOfPlainText(bytes, position + 1) : end;
    if (!startsAt(bytes, keyEnd, plainItem)) return undefined;
    // A string of its own: one cut out of a longer one would keep that.
    lookupKeys.push(text.toString('latin1', position + 1, keyEnd));
    position = keyEnd + plainItem.length;
    // Without the room that a list takes in advance: the index keeps it as it is.
    if (position === end) return lookupKeys.slice();
    if (bytes[position] !== comma) return undefined;
  }
}

function startsAt(bytes: Uint8Array, position: number, expected: Uint8Array): boolean {
  for (let index = 0; index < expected.length; index += 1) {
    if (bytes[position + index] !== expected[index]) return false;
  }
  return true;
}

/** Finds the end of a text of printable ASCII without a backslash; of another one, where it is no such text any more. */
function endOfPlainText(bytes: Uint8Array, start: number): number {
  let position = start;
  for (; position < bytes.length; position += 1) {
    const byte = bytes[position] ?? 0;
    if (byte < space || byte > tilde || byte === quoteMark || byte === backslash) break;
  }
  return position;
}
