/** Edits by which a name may differ from the one that was meant. */
const mostEdits = 2;
const mostSuggestions = 3;
/** Nobody recognises a mistyped name of this length by a suggestion. */
const mostCharacters = 100;
/** Characters of punctuation that a key may have beyond the name that was meant. */
const mostPunctuation = 8;
/** About 10 ms on the gateway's event loop. */
const mostCells = 300_000;

/** Counts down the characters read and the cells compared. */
interface SearchBudget {
  cellsLeft: number;
}

type NameOf = (key: string) => string;

/** Finds similar names for all the secrets of one pod, within one budget: a denial has to stay cheap. */
export interface NearMissSearch {
  /**
   * Names that a person may have meant: they differ in letter case, punctuation, or one or two characters.
   * @param nameOf a key as people write it, which is what is compared
   * @returns at most three of `keys`, the nearest first; none when `wanted` is very long or the budget is spent
   */
  find(wanted: string, keys: Iterable<string>, nameOf?: NameOf): string[];
}

export function createNearMissSearch(budget: SearchBudget = { cellsLeft: mostCells }): NearMissSearch {
  const distanceTo = (target: string, key: string): number => {
    budget.cellsLeft -= key.length;
    return editDistance(target, simplify(key), () => {
      budget.cellsLeft -= bandWidth;
    });
  };
  return {
    find: (wanted, keys, nameOf = (key) => key) => {
      if (wanted.length > mostCharacters) return [];
      const target = simplify(nameOf(wanted));
      const found: { key: string; distance: number }[] = [];
      for (const key of keys) {
        if (--budget.cellsLeft < 0) break;
        if (key.length > wanted.length + mostEdits + mostPunctuation) continue;
        const distance = distanceTo(target, nameOf(key));
        if (distance <= mostEdits) found.push({ key, distance });
      }
      found.sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1));
      return found.slice(0, mostSuggestions).map(({ key }) => key);
    },
  };
}

/** Drops letter case and punctuation, `/` too: names that join group and key do so by different characters. */
function simplify(name: string): string {
  return name.toLowerCase().replaceAll(/[-._/]/g, '');
}

/** Cells of a row that a distance of at most `mostEdits` can pass through: the diagonal and its neighbours. */
const bandWidth = 2 * mostEdits + 1;
const tooFar = mostEdits + 1;

/** Levenshtein distance, or `tooFar` when it is larger. `onRow` is called for each row of `bandWidth` cells. */
function editDistance(a: string, b: string, onRow: () => void): number {
  if (Math.abs(a.length - b.length) > mostEdits) return tooFar;
  let cells = Array.from({ length: bandWidth }, (_, offset) =>
    offset < mostEdits ? tooFar : offset - mostEdits,
  );
  for (let row = 1; row <= a.length; row++) {
    onRow();
    cells = nextRow(cells, a, b, row);
    if (Math.min(...cells) > mostEdits) return tooFar;
  }
  return cells[b.length - a.length + mostEdits] ?? tooFar;
}

/** The cell at `offset` stands for column `row + offset - mostEdits` of the full table. */
function nextRow(previous: readonly number[], a: string, b: string, row: number): number[] {
  const current: number[] = [];
  for (let offset = 0; offset < bandWidth; offset++) {
    const column = row + offset - mostEdits;
    const substitution = (previous[offset] ?? tooFar) + (a[row - 1] === b[column - 1] ? 0 : 1);
    const deletion = (previous[offset + 1] ?? tooFar) + 1;
    const insertion = (current[offset - 1] ?? tooFar) + 1;
    const outside = column < 0 || column > b.length;
    current.push(outside ? tooFar : Math.min(substitution, deletion, insertion));
  }
  return current;
}
