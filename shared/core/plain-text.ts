/** Longest name that a message repeats. */
const quotedLength = 80;
/** Longest name that a warning repeats. */
const briefLength = 32;
/** The API server shows warnings of up to 256 characters, 4096 in all (apiserver-contract C33). */
const warningLength = 120;
const warningCount = 30;

/** Replaces control characters and lone surrogates, which the API server would refuse in a warning. */
function printable(text: string): string {
  return text.toWellFormed().replace(/\p{Cc}/gu, '?');
}

/** A text of at most `length` characters, all of them printable. */
export function cut(text: string, length: number): string {
  const characters = [...printable(text)];
  return characters.length <= length ? characters.join('') : `${characters.slice(0, length - 1).join('')}…`;
}

/** A foreign name inside a message: quoted, printable, of bounded length. */
export function quote(name: string): string {
  return `"${cut(name, quotedLength)}"`;
}

/** A foreign name inside a warning, of which each has its share of the 120 characters. */
export function brief(name: string): string {
  return cut(name, briefLength);
}

/** `a`, `a and b`, `a, b and c`. */
export function joinWords(words: readonly string[], last: 'and' | 'or' = 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}

/** Warnings fit for an AdmissionReview: printable, short, each once, and not too many. */
export function formatWarnings(texts: readonly string[]): string[] {
  const distinct = [...new Set(texts.map((text) => cut(text, warningLength)))];
  const hidden = distinct.length - warningCount;
  return hidden <= 0 ? distinct : [...distinct.slice(0, warningCount), `latchkey: ${hidden} more warnings`];
}
