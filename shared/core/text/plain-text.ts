/** Longest name that a message repeats. */
const quotedLength = 80;
/** Longest name that a warning repeats. */
const shortLength = 32;

/**
 * Replaces what a terminal would obey instead of show: control characters, those that change the direction or are
 * invisible (Unicode's format characters), line and paragraph separators; and lone surrogates, which the API server
 * would refuse in a warning.
 */
export function toPlainText(text: string): string {
  return text.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

/** A text of at most `length` characters, all of them printable. Looks at no more of a foreign text than it may need. */
export function truncate(text: string, length: number): string {
  // A character is at most two UTF-16 units; one more character tells that there is more.
  const characters = [...toPlainText(text.slice(0, 2 * (length + 1)))];
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}

/** A foreign name inside a message: quoted, printable, of bounded length. */
export function quote(name: string): string {
  return `"${truncate(name, quotedLength)}"`;
}

/** A foreign name inside a warning, of which each has its share of the 120 characters. */
export function truncateShort(name: string): string {
  return truncate(name, shortLength);
}

/** `a`, `a and b`, `a, b and c`. */
export function joinWords(words: readonly string[], last: 'and' | 'or' = 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}
