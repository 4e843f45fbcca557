import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { Asked, LookupName, ReadingSearch } from './lookup-name.ts';

/** Bounds the readings of a name: more tell nobody anything. */
const mostReadings = 4;
/** Bounds the search in a long name, which every pod pays for that asks for the secret. */
const mostCharacters = 2_000;
/** Steps to compare a character with what its field may hold. */
const stepsPerCharacter = 2;

/** How far to look for readings of one name where a pod waits for it. */
export const briefSearch = (): ReadingSearch => ({ charactersLeft: mostCharacters });

/** Every group and key that come to the lookup key in any way, as far as the search goes; the budget pays for it. */
export function* readingsOf(
  names: readonly LookupName[],
  lookupKey: string,
  search: ReadingSearch,
  budget?: WorkBudget,
): Generator<Asked> {
  let paid = search.charactersLeft;
  const pay = (): void => {
    const left = Math.max(0, search.charactersLeft);
    budget?.spend(stepsPerCharacter * (paid - left));
    paid = left;
  };
  for (const name of names) {
    for (const asked of name.readings(lookupKey, search)) {
      pay();
      yield asked;
    }
    pay();
  }
}

/**
 * The secrets, as `group/key`, that one lookup key is the name of: `env:TEAM_A_TOKEN` is `team/a_token` and
 * `team_a/token`. In lower case where letter case does not count.
 * @returns at most four; fewer than two when the name can be read in one way only
 */
export function lookupReadings(
  names: readonly LookupName[],
  lookupKey: string,
  budget?: WorkBudget,
): string[] {
  const found = new Set<string>();
  const search = briefSearch();
  for (const name of names.filter(({ isBorderless }) => isBorderless)) {
    for (const asked of readingsOf([name], lookupKey, search, budget)) {
      if (found.size < mostReadings) found.add(readingTitle(name, asked));
      else return [...found];
    }
  }
  return [...found];
}

/** Returns the {@link lookupReadings} but the one that was asked for. */
export function otherReadings(
  names: readonly LookupName[],
  lookupKey: string,
  asked: Asked,
  budget?: WorkBudget,
): string[] {
  const readings = lookupReadings(names, lookupKey, budget);
  if (readings.length < 2) return [];
  const own = names.map((name) => readingTitle(name, asked));
  return readings.filter((title) => !own.includes(title));
}

function readingTitle({ fold }: LookupName, { group, key }: Asked): string {
  const plain = (text: string, filter: LookupName['fold']['group']): string =>
    filter?.(text) === filter?.(text.toLowerCase()) ? text.toLowerCase() : text;
  return `${plain(group, fold.group)}/${plain(key, fold.key)}`;
}
