import { truncate } from '#shared/core/text/plain-text.ts';

/** The API server shows warnings of up to 256 characters, 4096 in all (k8s.io/apiserver pkg/endpoints/filters/warning.go). */
const warningLength = 120;
const warningCount = 30;
/** Thousands may come out the same, and each costs as much as a new one. */
const mostWorded = 500;

/** The warnings of one answer: printable, short, each once, and not too many. */
export interface Warnings {
  /** @param word makes the text; not called when there are warnings enough, it is only counted then */
  add(word: () => string): void;
  /** Returns the warnings to show, the last of which counts the others. */
  texts(): string[];
}

export function createWarnings(): Warnings {
  const shown = new Set<string>();
  let worded = 0;
  let hidden = 0;
  return {
    add: (word) => {
      if (shown.size === warningCount || worded === mostWorded) hidden++;
      else {
        worded++;
        shown.add(truncate(word(), warningLength));
      }
    },
    texts: () => (hidden === 0 ? [...shown] : [...shown, `latchkey: ${hidden} more warnings`]),
  };
}
