import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';

/**
 * Compiles a glob: `*` is any characters, `?` is one, every other character itself. No regular expression: the time is
 * at most the length of the text times that of the glob.
 */
export function compileGlob(glob: string): (text: string) => boolean {
  if (glob === '*') return () => true;
  if (!hasWildcard(glob)) return (text) => text === glob;
  const pieces = glob.split('*');
  return (text) => matches(pieces, text);
}

/** Whether it is more than one text. */
export const hasWildcard = (glob: string): boolean => /[*?]/.test(glob);

/** Whether one matches whatever the other does. Now and then it says no where it is so: a `?` stands for no `*`. */
export function globCovers(outer: string, inner: string): boolean {
  if (outer === inner) return true;
  return !(outer.includes('?') && inner.includes('*')) && compileGlob(outer)(inner);
}

/** The first and the last piece between stars stand at the ends; of those between each takes the first place it finds. */
function matches([first = '', ...rest]: readonly string[], text: string): boolean {
  const last = rest.pop();
  if (last === undefined) return text.length === first.length && standsAt(first, text, 0);
  const end = text.length - last.length;
  if (end < first.length || !standsAt(first, text, 0) || !standsAt(last, text, end)) return false;
  let position = first.length;
  for (const piece of rest) {
    const found = find(piece, text, position);
    if (found < 0) return false;
    position = found + piece.length;
  }
  return position <= end;
}

function find(piece: string, text: string, from: number): number {
  if (!piece.includes('?')) return text.indexOf(piece, from);
  for (let at = from; at + piece.length <= text.length; at++) if (standsAt(piece, text, at)) return at;
  return -1;
}

function standsAt(piece: string, text: string, at: number): boolean {
  if (!piece.includes('?')) return text.startsWith(piece, at);
  for (let index = 0; index < piece.length; index++) {
    if (piece[index] !== '?' && piece[index] !== text[at + index]) return false;
  }
  return at + piece.length <= text.length;
}

/** Finds a glob's first wildcard. @returns its length when it has none */
export function prefixLength(glob: string): number {
  const wildcard = glob.search(/[*?]/);
  return wildcard < 0 ? glob.length : wildcard;
}

/** `matches` is made when it is first asked: most globs begin unlike anything. */
interface IndexedGlob {
  glob: string;
  matches?: (text: string) => boolean;
}

function isMatch(entry: IndexedGlob, text: string, budget: WorkBudget | undefined): boolean {
  // What has a `?` is looked for character by character, at each place of the text.
  const comparisons = text.length * (entry.glob.includes('?') ? entry.glob.length : 1);
  budget?.spend(Math.ceil(comparisons / 16));
  entry.matches ??= compileGlob(entry.glob);
  return entry.matches(text);
}

/** @param budget pays for each glob that the text is held against */
export type GlobIndex<T> = (text: string, budget?: WorkBudget) => T[];

/** Finds what belongs to the globs that match a text; compared are only those that begin as the text does. */
export function createGlobIndex<T>(items: Iterable<T>, globOf: (item: T) => string): GlobIndex<T> {
  type Entry = IndexedGlob & { item: T };
  const byPrefix = new Map<number, Map<string, Entry[]>>();
  for (const item of items) {
    const glob = globOf(item);
    const length = prefixLength(glob);
    const alike = byPrefix.get(length) ?? new Map<string, Entry[]>();
    byPrefix.set(length, alike);
    const entry = { glob, item };
    if (alike.get(glob.slice(0, length))?.push(entry) === undefined)
      alike.set(glob.slice(0, length), [entry]);
  }
  return (text, budget) => {
    const found: T[] = [];
    for (const [length, alike] of byPrefix) {
      if (length > text.length) continue;
      const entries = alike.get(text.slice(0, length)) ?? [];
      budget?.spend(1 + entries.length);
      for (const entry of entries) if (isMatch(entry, text, budget)) found.push(entry.item);
    }
    return found;
  };
}

/** Whether some text is matched by both. The time is at most the product of their lengths. */
export function globsOverlap(one: string, other: string): boolean {
  const byEnds = overlapByEnds(endsOf(one), endsOf(other));
  if (byEnds !== undefined) return byEnds;
  return meetFromEnd(one, other, restsOverlap);
}

/**
 * Whether what is left of two patterns meets, from their characters there, of `other` the one at j, and from what was found
 * behind: `row[j + 1]` with one character less of `other`, `below[j]` with one less of the first, `below[j + 1]` of both.
 */
type RestsMeet = (
  a: string | undefined,
  b: string | undefined,
  j: number,
  row: readonly boolean[],
  below: readonly boolean[],
) => boolean;

/** Whether two patterns meet as a whole, by what meets of their rests. The time is the product of their lengths. */
export function meetFromEnd(one: string, other: string, restsMeet: RestsMeet): boolean {
  let below: readonly boolean[] = [];
  for (let i = one.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = other.length; j >= 0; j--) row[j] = restsMeet(one[i], other[j], j, row, below);
    below = row;
  }
  return below[0] === true;
}

/** Whether one text can end with both tails. */
export const endAlike = (tail: string, other: string): boolean =>
  tail.endsWith(other) || other.endsWith(tail);

/** What stands before the first wildcard of a glob and behind the last, and whether that is all but one star. */
export interface GlobEnds {
  head: string;
  tail: string;
  hasOneStar: boolean;
}

export const endsOf = (glob: string): GlobEnds => ({
  head: glob.slice(0, prefixLength(glob)),
  tail: tailOf(glob),
  hasOneStar: /^[^*?]*\*[^*?]*$/.test(glob),
});

/**
 * Tells by their ends alone whether some text is matched by both of two globs: two of one star each match what begins and
 * ends as the longer ends do. Undefined where the ends do not tell.
 */
export function overlapByEnds(one: GlobEnds, other: GlobEnds): boolean | undefined {
  if (!endAlike(one.tail, other.tail)) return false;
  if (!one.head.startsWith(other.head) && !other.head.startsWith(one.head)) return false;
  return one.hasOneStar && other.hasOneStar ? true : undefined;
}

/** Returns the text behind the last wildcard. */
export const tailOf = (glob: string): string =>
  glob.slice(Math.max(glob.lastIndexOf('*'), glob.lastIndexOf('?')) + 1);

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
