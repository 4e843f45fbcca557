import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { Asked } from '#shared/core/rules/template/lookup-name.ts';
import { globCovers, globsOverlap, prefixLength } from './glob.ts';
import { type CompiledRule, type NamedSecrets, rulesOf, surelyNames } from './policy-rule.ts';
import { withStandIns } from './stand-ins.ts';

/** A request for every key of a group: its names are a glob, in which `*` stands for the key. */
interface EveryKey {
  named: readonly NamedSecrets[];
  lookupKey: string;
  asked: Asked;
}

/** Finds the rules about any key of a group, in every spelling that may be the same secret. */
export function aboutEveryKey(
  all: readonly NamedSecrets[],
  names: string,
  budget?: WorkBudget,
): NamedSecrets[] {
  budget?.spend(all.length);
  return all.filter(({ glob, spelling }) => {
    const mayOverlap = (one: string, other: string): boolean => {
      if (!beginAlike(one, other) || (spelling?.keyApart && isBelow(one, other))) return false;
      budget?.spend(Math.ceil((one.length * other.length) / 16));
      return globsOverlap(one, other);
    };
    if (mayOverlap(glob, names)) return true;
    const { perhaps = [], surely = [], further, open } = spelling ?? {};
    return (
      [...perhaps, ...surely].some(({ ofGlob, ofName }) => mayOverlap(ofGlob(glob), ofName(names))) ||
      further?.ofGlob(glob).some((one) => mayOverlap(one, further.ofName(names))) ||
      open?.ofGlob(glob).some(open.meeting(names, budget))
    );
  });
}

/**
 * The rules that must admit, one of each list. What gives out every key names them all; any other rule about one of the
 * keys must admit, too, or one that gives out all that it names. Rules about the path as it is written are no others where
 * one names them all, as for a request for one key.
 */
export function demandsOfEveryKey(question: EveryKey): {
  literal: NamedSecrets[];
  demands: CompiledRule[][];
} {
  const { named, lookupKey, asked } = question;
  const literal = named.filter((secrets) => namesAll(secrets, { glob: lookupKey, ...asked }));
  const literally = new Set(literal);
  const isKept = (secrets: NamedSecrets): boolean =>
    !literally.has(secrets) && (literal.length === 0 || !isWrittenSo(secrets, lookupKey));
  const keeping = named.filter(isKept).map((keeper) => {
    const { glob, pair } = keeper;
    const others = named.filter((other) => namesAll(other, { glob, ...pair }));
    return rulesOf([keeper, ...others]);
  });
  return { literal, demands: [rulesOf(literal), ...keeping, ...demandsOfPlain(literal, question)] };
}

/** Of each plain spelling of all the names: the rules that surely name some of them, or one that names them all. */
function demandsOfPlain(
  literal: readonly NamedSecrets[],
  { named, lookupKey, asked }: EveryKey,
): CompiledRule[][] {
  const spelling = named[0]?.spelling;
  if (spelling === undefined) return [];
  const plainNames = new Set(spelling.plainly.map((plainly) => plainly(lookupKey)));
  plainNames.delete(spelling.surely[0].ofName(lookupKey));
  return [...plainNames].flatMap((plain) => {
    const all = named.filter((secrets) => namesAll(secrets, { glob: plain, ...asked }));
    const some = named.filter(({ glob }) =>
      spelling.surely.some(({ ofGlob }) => globsOverlap(ofGlob(glob), plain)),
    );
    return some.map((keeper) => {
      const standIns = withStandIns([keeper], literal, { lookupKey, spelling, plain });
      return rulesOf([...all, ...standIns]);
    });
  });
}

/** Whether the rule surely names all that a glob stands for, and the group and key that it is made of. */
function namesAll(
  secrets: NamedSecrets,
  { glob, group = '*', key = '*' }: { glob: string; group?: string | undefined; key?: string | undefined },
): boolean {
  const { pair, fold, spelling } = secrets;
  const tellsKey = pair.key === undefined || globCovers(pair.key, fold.key?.(key) ?? key);
  if (spelling !== undefined) return surelyNames(secrets, glob) && (!spelling.keyApart || tellsKey);
  const tellsGroup = pair.group === undefined || globCovers(pair.group, fold.group?.(group) ?? group);
  return globCovers(secrets.glob, glob) && tellsGroup && tellsKey;
}

/** Whether the rule is about the names as they are written, and not only about what may be the same. */
function isWrittenSo({ glob, spelling, isBorderless }: NamedSecrets, names: string): boolean {
  if (spelling === undefined) return !isBorderless;
  const [{ ofGlob, ofName }] = spelling.surely;
  return globsOverlap(ofGlob(glob), ofName(names));
}

/** Two globs with different beginnings have nothing in common. */
function beginAlike(one: string, other: string): boolean {
  const length = Math.min(prefixLength(one), prefixLength(other));
  return one.slice(0, length) === other.slice(0, length);
}

/** Whether the glob writes out a path below the one whose keys are meant: a key has no slash. */
function isBelow(glob: string, names: string): boolean {
  return glob.slice(prefixLength(names), prefixLength(glob)).includes('/');
}
