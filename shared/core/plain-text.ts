/** Longest name that a message repeats. */
const quotedLength = 80;
/** The API server shows warnings of up to 256 characters, 4096 in all (apiserver-contract C33). */
const warningLength = 120;
const warningCount = 30;

/** Replaces control characters and lone surrogates, which the API server would refuse in a warning. */
function printable(text: string): string {
  return text.toWellFormed().replace(/\p{Cc}/gu, '?');
}

function cut(text: string, length: number): string {
  const characters = [...text];
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/** A foreign name inside a message: quoted, printable, of bounded length. */
export function quote(name: string): string {
  return `"${cut(printable(name), quotedLength)}"`;
}

/** Warnings fit for an AdmissionReview: printable, short, each once, and not too many. */
export function formatWarnings(texts: readonly string[]): string[] {
  const distinct = [...new Set(texts.map((text) => cut(printable(text), warningLength)))];
  const hidden = distinct.length - warningCount;
  return hidden <= 0 ? distinct : [...distinct.slice(0, warningCount), `latchkey: ${hidden} more warnings`];
}
