import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { globCovers, hasWildcard } from './glob.ts';
import type { NamedSecrets } from './policy-rule.ts';
import type { Spelling } from './secret-spelling.ts';

/** What is asked for, how it can be written, and the plain name that a rule about it names; undefined without one. */
interface Spelled {
  lookupKey: string;
  spelling: Spelling;
  plain: string | undefined;
}

/** Two names that are rewritten and compared. */
export const stepsPerPair = 20;

/** Adds to the rules that name a plain name those of the requested one that stand for each of them; none for none. */
export function withStandIns(
  keepers: readonly NamedSecrets[],
  literal: readonly NamedSecrets[],
  spelled: Spelled,
  budget?: WorkBudget,
): NamedSecrets[] {
  if (keepers.length === 0) return [];
  const narrow = literal.filter((one) => saysItself(one, spelled));
  budget?.spend((literal.length + narrow.length * keepers.length) * stepsPerPair);
  const standIns = narrow.filter((one) => keepers.every((keeper) => standsFor(one, keeper, spelled)));
  return [...keepers, ...standIns];
}

/**
 * Whether a rule that names the request admits in place of one about another spelling: it is narrower, and, where that
 * rule names the plain spelling, `plain`, says itself that it means this one.
 */
export function standsFor(
  one: NamedSecrets,
  keeper: NamedSecrets,
  { lookupKey, spelling, plain }: Spelled,
): boolean {
  if (isWrittenOut(one, { spelling, lookupKey }) && hasWildcard(ownPart(keeper.glob, spelling))) return true;
  if (plain !== undefined && !saysItself(one, { spelling, lookupKey })) return false;
  return isAsSpecific(one, keeper, spelling);
}

/**
 * Whether a rule names less than the other, when both are written alike; or as much, and is the one written plainly: of
 * `db` and `db-AbCdE9` the first.
 */
function isAsSpecific(one: NamedSecrets, other: NamedSecrets, { perhaps, isPlain }: Spelling): boolean {
  return perhaps.some(({ ofGlob, ofName }) => {
    const [own, others] = [ofName(one.glob), ofGlob(other.glob)];
    return globCovers(others, own) && (isPlain(one.glob) || !globCovers(own, others));
  });
}

type Written = Pick<Spelled, 'spelling' | 'lookupKey'>;

/** Whether a rule names this spelling and cannot mean another: it is written out, or ends in a word. */
const saysItself = (one: NamedSecrets, { spelling, lookupKey }: Written): boolean =>
  isWrittenOut(one, { spelling, lookupKey }) || spelling.isWord?.(one.glob) === true;

/** Whether a rule writes the name, or the path in front of the key, without a wildcard. */
function isWrittenOut({ glob }: NamedSecrets, { spelling, lookupKey }: Written): boolean {
  return spelling.surely.some(({ ofGlob, ofName }) => {
    const own = ownPart(ofGlob(glob), spelling);
    return !hasWildcard(own) && own === ownPart(ofName(lookupKey), spelling);
  });
}

const ownPart = (name: string, { keyApart }: Spelling): string =>
  keyApart ? name.slice(0, name.lastIndexOf('/')) : name;
