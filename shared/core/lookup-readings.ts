import type { Asked, LookupName } from './lookup-name.ts';

/** More tell nobody anything. */
const mostReadings = 4;
/** Of a longer name not every reading is found: it costs every pod that asks for the secret. */
const mostCharacters = 2_000;

/**
 * The secrets, as `group/key`, that one lookup key is the name of: `env:TEAM_A_TOKEN` is `team/a_token` and
 * `team_a/token`. In lower case where letter case does not count.
 * @returns at most four; fewer than two when the name can be read in one way only
 */
export function lookupReadings(names: readonly LookupName[], lookupKey: string): string[] {
  const found = new Set<string>();
  for (const name of names) {
    if (!name.isBorderless) continue;
    for (const asked of name.readings(lookupKey, mostCharacters)) {
      if (found.size < mostReadings) found.add(readingTitle(name, asked));
      else return [...found];
    }
  }
  return [...found];
}

/** The same but for what was asked for. */
export function otherReadings(names: readonly LookupName[], lookupKey: string, asked: Asked): string[] {
  const readings = lookupReadings(names, lookupKey);
  if (readings.length < 2) return [];
  const own = names.map((name) => readingTitle(name, asked));
  return readings.filter((title) => !own.includes(title));
}

function readingTitle({ fold }: LookupName, { group, key }: Asked): string {
  const plain = (text: string, filter: LookupName['fold']['group']): string =>
    filter?.(text) === filter?.(text.toLowerCase()) ? text.toLowerCase() : text;
  return `${plain(group, fold.group)}/${plain(key, fold.key)}`;
}
