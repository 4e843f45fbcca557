/**
 * Compiles a glob: `*` is any characters, `?` is one, every other character itself. No regular expression: the time is
 * at most the length of the text times that of the glob.
 */
export function compileGlob(glob: string): (text: string) => boolean {
  if (glob === '*') return () => true;
  if (!hasWildcard(glob)) return (text) => text === glob;
  return (text) => matches(glob, text);
}

/** Whether it is more than one text. */
export const hasWildcard = (glob: string): boolean => /[*?]/.test(glob);

/** On a mismatch only the last `*` has to take one character more: what stood before it has matched for good. */
function matches(glob: string, text: string): boolean {
  let inGlob = 0;
  let inText = 0;
  let star = -1;
  let starEnd = 0;
  while (inText < text.length) {
    if (glob[inGlob] === '*') {
      star = inGlob++;
      starEnd = inText;
    } else if (glob[inGlob] === '?' || glob[inGlob] === text[inText]) {
      inGlob++;
      inText++;
    } else if (star >= 0) {
      inGlob = star + 1;
      inText = ++starEnd;
    } else return false;
  }
  while (glob[inGlob] === '*') inGlob++;
  return inGlob === glob.length;
}

/** Where a glob's first wildcard stands; its length when it has none. */
export function prefixLength(glob: string): number {
  const wildcard = glob.search(/[*?]/);
  return wildcard < 0 ? glob.length : wildcard;
}

/** Finds what belongs to the globs that match a text; compared are only those that begin as the text does. */
export function createGlobIndex<T>(items: Iterable<T>, globOf: (item: T) => string): (text: string) => T[] {
  type Entry = { matches: (text: string) => boolean; item: T };
  const byPrefix = new Map<number, Map<string, Entry[]>>();
  for (const item of items) {
    const glob = globOf(item);
    const length = prefixLength(glob);
    const alike = byPrefix.get(length) ?? new Map<string, Entry[]>();
    byPrefix.set(length, alike);
    const entry = { matches: compileGlob(glob), item };
    if (alike.get(glob.slice(0, length))?.push(entry) === undefined)
      alike.set(glob.slice(0, length), [entry]);
  }
  return (text) => {
    const found: T[] = [];
    for (const [length, alike] of byPrefix) {
      if (length > text.length) continue;
      for (const { matches, item } of alike.get(text.slice(0, length)) ?? []) {
        if (matches(text)) found.push(item);
      }
    }
    return found;
  };
}

/** Whether some text is matched by both. The time is at most the product of their lengths. */
export function globsOverlap(one: string, other: string): boolean {
  // From the end; row[j] says it of what is left of `one`, and of `other` from j on.
  let below: readonly boolean[] = [];
  for (let i = one.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = other.length; j >= 0; j--) row[j] = restsOverlap(one[i], other[j], j, row, below);
    below = row;
  }
  return below[0] === true;
}

function restsOverlap(
  a: string | undefined,
  b: string | undefined,
  j: number,
  row: readonly boolean[],
  below: readonly boolean[],
): boolean {
  if (a === undefined && b === undefined) return true;
  // A star stands for nothing, or for the next character of the other, too.
  if (a === '*' || b === '*') return below[j] === true || row[j + 1] === true;
  if (a === undefined || b === undefined) return false;
  return (a === b || a === '?' || b === '?') && below[j + 1] === true;
}
