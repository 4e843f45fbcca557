import type { RecipePolicy } from '#shared/contracts/config/policy.ts';
import type { SpellingName } from '#shared/contracts/rules/rule-recipe.ts';
import type { LookupName } from '#shared/core/rules/template/lookup-name.ts';
import { endAlike, globsOverlap, hasWildcard, tailOf } from './glob.ts';
import { compilePolicyRule, type NamedSecrets, namedSecrets } from './policy-rule.ts';

/** Two rules that name one secret as different groups and keys, and how each writes it. */
interface RuleClash {
  rules: [string, string];
  names: [string, string];
  glob: string;
}

/** What the comparison of rules may still cost. */
export interface ClashSearch {
  stepsLeft: number;
  /** Rules of which so many names are alike that the search ended at them, some of them by name. */
  endedAt?: string[];
}

/** Some 200 ms: three thousand names of which each begins as all the others do. */
const mostSteps = 5_000_000;
/** To tell whether two names have group and key alike; a step is one comparison, or one cell of a table of two globs. */
const stepsOfPair = 20;
const mostRulesTold = 5;

export const newClashSearch = (stepsLeft = mostSteps): ClashSearch => ({ stepsLeft });

/**
 * Rules of a manager that cannot be told apart: what is one secret to it is `team_a`/`token` to one rule and
 * `team`/`a_token` to another, and neither writes out more of the name. Where both begin with a wildcard the name would
 * have to be an odd one; there both must admit, as the policy does with all that is equally specific.
 * @param search ends it where nothing is left
 * @returns each pair of rules once
 */
export function ruleClashes(
  { rules }: RecipePolicy,
  { names: lookup, spelling }: { names: readonly LookupName[]; spelling?: SpellingName | undefined },
  search: ClashSearch = newClashSearch(),
): RuleClash[] {
  const alike = new Map<string, Compared[]>();
  const clashes = new Map<number, RuleClash>();
  const named = rules.flatMap((rule, place) =>
    namedSecrets(rule, compilePolicyRule(rule, place), lookup, spelling),
  );
  for (const secrets of named.filter(({ isBorderless }) => isBorderless)) {
    const next = { secrets, tail: tailOf(secrets.glob) };
    const others = alike.get(kindOf(secrets)) ?? [];
    alike.set(kindOf(secrets), others);
    for (const other of others) {
      search.stepsLeft--;
      if (mayClash(other, next)) {
        const pair = other.secrets.rule.place * rules.length + secrets.rule.place;
        if (!clashes.has(pair) && clash(other.secrets, secrets, search)) {
          clashes.set(pair, clashOf(other.secrets, secrets));
        }
      }
      if (search.stepsLeft < 0) {
        search.endedAt = namesOf([next, ...others]);
        return [...clashes.values()];
      }
    }
    others.push(next);
  }
  return [...clashes.values()];
}

/** Only what is of one kind can clash: it is equally specific, and without a beginning it is the same. */
function kindOf({ glob, prefixLength, writtenLength, hasBeginning }: NamedSecrets): string {
  return hasBeginning ? `${writtenLength} ${glob.slice(0, prefixLength)}` : glob;
}

/** A name and what most comparisons need of it. */
interface Compared {
  secrets: NamedSecrets;
  tail: string;
}

/** Leaves out at little cost most of those that cannot clash. */
const mayClash = (one: Compared, other: Compared): boolean =>
  one.secrets.rule !== other.secrets.rule && endAlike(one.tail, other.tail);

/** Tells whether two names of one kind and of two rules clash. */
function clash(one: NamedSecrets, other: NamedSecrets, search: ClashSearch): boolean {
  search.stepsLeft -= stepsOfPair;
  if (haveOneBorder(one, other)) return false;
  if (one.glob === other.glob) return true;
  if (!one.hasBeginning) return false;
  search.stepsLeft -= one.glob.length * other.glob.length;
  return globsOverlap(one.glob, other.glob);
}

const namesOf = (compared: readonly Compared[]): string[] =>
  [...new Set(compared.map(({ secrets }) => secrets.rule.name))].slice(0, mostRulesTold);

/** Whether both mean the same group and key, whatever name they match. */
function haveOneBorder({ pair: one }: NamedSecrets, { pair: other }: NamedSecrets): boolean {
  if (one.group === other.group && one.key === other.key) return true;
  return [
    [one.group, other.group],
    [one.key, other.key],
  ].some(([glob, against]) => glob !== undefined && glob === against && !hasWildcard(glob));
}

function clashOf(one: NamedSecrets, other: NamedSecrets): RuleClash {
  const nameOf = ({ pair: { group = '*', key = '*' } }: NamedSecrets): string => `${group}/${key}`;
  return { rules: [one.rule.name, other.rule.name], names: [nameOf(one), nameOf(other)], glob: one.glob };
}
