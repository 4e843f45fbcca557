import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { Asked } from '#shared/core/rules/template/lookup-name.ts';
import { demandsOfEveryKey } from './every-key.ts';
import { compileGlob } from './glob.ts';
import {
  type CompiledRule,
  compareSpecificity,
  type NamedSecrets,
  namesLiterally,
  rulesOf,
  surelyNames,
  tellsKey,
} from './policy-rule.ts';
import type { Spelling } from './secret-spelling.ts';
import { standsFor, stepsPerPair, withStandIns } from './stand-ins.ts';

/** What a manager is asked for, and what the rules name that may be it: at least one, all of one manager. */
export interface Question {
  named: readonly NamedSecrets[];
  lookupKey: string;
  asked: Asked;
}

/** A glob that is compiled, and a name and its fields that are held against it and its parts. */
const judgingSteps = (glob: string, name: string): number => 20 + Math.ceil((glob.length + name.length) / 8);

/**
 * The rules that must admit: one of each list, those that name what is asked for first.
 * @returns `isNamed` whether a rule names what is asked for itself, and not only something that may be the same
 */
export function policyDemandsOf(
  question: Question,
  budget?: WorkBudget,
): { isNamed: boolean; demands: CompiledRule[][] } {
  const { named, lookupKey, asked } = question;
  if (asked.everyKey) {
    budget?.spend(named.length * (stepsPerPair + named.length));
    const { literal, demands } = demandsOfEveryKey(question);
    return { isNamed: literal.length > 0, demands: demands.filter((rules) => rules.length > 0) };
  }
  budget?.spend(
    named.reduce((sum, { glob, rule }) => sum + judgingSteps(glob, lookupKey) + rule.conditions, 0),
  );
  const literal = named.filter((secrets) => namesLiterally(secrets, lookupKey, asked));
  const spelling = named[0]?.spelling;
  const demands =
    spelling === undefined
      ? demandsByBorder(named, rulesOf(literal))
      : demandsBySpelling(question, literal, spelling, budget);
  return { isNamed: literal.length > 0, demands: demands.filter((rules) => rules.length > 0) };
}

/**
 * Of a manager that knows every secret by one name. A rule that names group and key otherwise keeps its secret all the
 * same, from those, too, whom a less specific rule admits.
 */
function demandsByBorder(named: readonly NamedSecrets[], literal: readonly CompiledRule[]): CompiledRule[][] {
  const isBorderless = named.some((secrets) => secrets.isBorderless);
  const top = isBorderless || literal.length === 0 ? rulesOf(mostSpecific(named)) : literal;
  const literally = new Set(literal);
  const naming = top.filter((rule) => literally.has(rule));
  const keeping = top.filter((rule) => !literally.has(rule));
  return [naming, keeping, naming.length === 0 ? [...literal] : []];
}

/**
 * Of a manager that knows a secret in several spellings. A rule that is about another spelling must admit, too, or one
 * that stands for it: else whom the rule keeps its secret from would only have to write the name as another rule does.
 * So must one that names the plain spelling beside this one.
 */
function demandsBySpelling(
  { named, lookupKey, asked }: Question,
  literal: readonly NamedSecrets[],
  spelling: Spelling,
  budget: WorkBudget | undefined,
): CompiledRule[][] {
  const [{ ofGlob, ofName }] = spelling.surely;
  const written = ofName(lookupKey);
  const isWritten = ({ glob }: NamedSecrets): boolean => compileGlob(ofGlob(glob))(written);
  const plainNames = [...new Set(spelling.plainly.map((plainly) => plainly(lookupKey)))];
  const told = named.filter((secrets) => tellsKey(secrets, asked));
  const elsewhere = told.filter((secrets) => !isWritten(secrets));
  const stepsOfOne = named.reduce((sum, { rule }) => sum + stepsPerPair + rule.conditions, 0);
  budget?.spend(elsewhere.length * stepsOfOne);
  const namesOf = (name: string): NamedSecrets[] => told.filter((other) => surelyNames(other, name));
  const keptElsewhere = elsewhere.map((keeper) => {
    const plain = plainNames.find((name) => surelyNames(keeper, name));
    const standIns = literal.filter((one) => standsFor(one, keeper, { lookupKey, spelling, plain }));
    return rulesOf([keeper, ...namesOf(plain ?? keeper.glob), ...standIns]);
  });
  const keptPlainly = plainNames
    .filter((name) => name !== written)
    .map((plain) => {
      budget?.spend(told.length * stepsPerPair);
      return rulesOf(withStandIns(namesOf(plain), literal, { lookupKey, spelling, plain }, budget));
    });
  const naming = literal.length > 0 ? literal : named.filter((secrets) => !elsewhere.includes(secrets));
  return [rulesOf(naming), ...keptElsewhere, ...keptPlainly];
}

/** Where the border between group and key is lost, those that write out most of the name; else all that name it. */
export function mostSpecific(named: readonly NamedSecrets[]): readonly NamedSecrets[] {
  if (!named.some(({ isBorderless }) => isBorderless)) return named;
  const most = named.reduce<NamedSecrets | undefined>(
    (best, next) => (best === undefined || compareSpecificity(next, best) > 0 ? next : best),
    undefined,
  );
  return most === undefined ? [] : named.filter((secrets) => compareSpecificity(secrets, most) === 0);
}
