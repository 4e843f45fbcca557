import type { RecipePolicy } from '#shared/contracts/policy.ts';
import type { SpellingName } from '#shared/contracts/rule-recipe.ts';
import { globsOverlap, hasWildcard } from './glob.ts';
import type { LookupName } from './lookup-name.ts';
import { compileRule, type NamedSecrets, namedSecrets } from './policy-rule.ts';

/** Two rules that name one secret as different groups and keys, and how each writes it. */
interface RuleClash {
  rules: [string, string];
  names: [string, string];
  glob: string;
}

/**
 * Rules of a manager that cannot be told apart: what is one secret to it is `team_a`/`token` to one rule and
 * `team`/`a_token` to another, and neither writes out more of the name. Where both begin with a wildcard the name would
 * have to be an odd one; there both must admit, as the policy does with all that is equally specific.
 * @returns each pair of rules once
 */
export function ruleClashes(
  { rules }: RecipePolicy,
  lookup: readonly LookupName[],
  spelling?: SpellingName,
): RuleClash[] {
  const alike = new Map<string, NamedSecrets[]>();
  const clashes = new Map<string, RuleClash>();
  const named = rules.flatMap((rule, place) =>
    namedSecrets(rule, compileRule(rule, place), lookup, spelling),
  );
  for (const secrets of named.filter(({ isBorderless }) => isBorderless)) {
    const others = alike.get(kindOf(secrets)) ?? [];
    alike.set(kindOf(secrets), others);
    for (const other of others) {
      const pair = `${other.rule.place} ${secrets.rule.place}`;
      if (!clashes.has(pair) && clash(other, secrets)) clashes.set(pair, clashOf(other, secrets));
    }
    others.push(secrets);
  }
  return [...clashes.values()];
}

/** Only what is of one kind can clash: it is equally specific, and without a beginning it is the same. */
function kindOf({ glob, prefixLength, writtenLength, hasBeginning }: NamedSecrets): string {
  return hasBeginning ? `${writtenLength} ${glob.slice(0, prefixLength)}` : glob;
}

/** Tells whether two names of one kind clash. */
function clash(one: NamedSecrets, other: NamedSecrets): boolean {
  if (one.rule.place === other.rule.place || haveOneBorder(one, other)) return false;
  return one.glob === other.glob || (one.hasBeginning && globsOverlap(one.glob, other.glob));
}

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
