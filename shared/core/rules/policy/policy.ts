import type { PolicyConfig, RecipePolicy } from '#shared/contracts/config/policy.ts';
import type { SpellingName } from '#shared/contracts/rules/rule-recipe.ts';
import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import type { Asked, LookupName, ReadingSearch } from '#shared/core/rules/template/lookup-name.ts';
import { briefSearch, readingsOf } from '#shared/core/rules/template/lookup-readings.ts';
import { aboutEveryKey } from './every-key.ts';
import { compileGlob } from './glob.ts';
import { mostSpecific, policyDemandsOf, type Question } from './policy-demands.ts';
import { type Caller, type CompiledRule, compilePolicyRule, namedSecrets, rulesOf } from './policy-rule.ts';
import { createRuleMeetings, type Demands, remember } from './rule-meetings.ts';
import { compileRulesAbout } from './rules-about.ts';
import { secretSpelling } from './secret-spelling.ts';

export type { Caller } from './policy-rule.ts';

/** `line` names what decided: `rule "payments"`, `default deny`. */
interface PolicyDecision {
  allowed: boolean;
  line: string;
}

/**
 * The policy of one manager. A secret is known by its lookup keys, the names under which the manager looks it up, and
 * a request by the group and key that it names: a rule forbids by the first and gives out by the second, so that no
 * other spelling of group and key evades a rule or is given out by one that does not name it.
 */
export interface Policy {
  /**
   * @param lookupKey of a request for every key the glob of their names
   * @param asked group and key of the request; without them it is enough that some may be asked for, and where the
   * search for them ends before any is found that may, none may
   * @param budget pays for the globs that the name is held against
   */
  decide(lookupKey: string, caller: Caller, asked?: Asked, budget?: WorkBudget): PolicyDecision;
  /** Whether anybody in the namespace could be allowed to use the secret, whatever group and key is asked for. */
  mayReach(lookupKey: string, namespace: string): boolean;
  /** Whom the name is reserved to: the line of the most specific rules about it; undefined without one. */
  reservedBy(lookupKey: string): string | undefined;
}

/** The part of latchkey.yaml's policy that concerns a manager; undefined when it allows everything. */
export function policyOf(
  { default: byDefault, rules }: PolicyConfig,
  manager: string,
): RecipePolicy | undefined {
  const own = rules
    .filter(({ managers }) => managers?.some((glob) => compileGlob(glob)(manager)) ?? true)
    .map(({ managers: _, ...rule }) => rule);
  return byDefault === 'allow' && own.length === 0 ? undefined : { default: byDefault, rules: own };
}

/**
 * Compiles a policy. Nothing is given out but by rules that name what is asked for, or, with `default: allow`, where no
 * rule does; and of the rules that are about the secret the most specific must admit, too, as must those that are about
 * another spelling of it.
 * @param lookup how the manager makes lookup keys: the globs of a rule become such names as group and key do
 * @param spelling how these names can be written
 */
export function compilePolicy(
  policy: RecipePolicy,
  lookup: readonly LookupName[],
  spelling?: SpellingName,
): Policy {
  const byDefault = { allowed: policy.default === 'allow', line: `default ${policy.default}` };
  const compiled = policy.rules.map(compilePolicyRule);
  const all = compiled.flatMap((rule, place) =>
    namedSecrets(policy.rules[place] ?? {}, rule, lookup, spelling),
  );
  const about = compileRulesAbout(all, secretSpelling(spelling));
  const couldMeet = createRuleMeetings(compiled);
  const decide = (question: Question, caller: Caller, budget?: WorkBudget): PolicyDecision => {
    const { isNamed, demands } = policyDemandsOf(question, budget);
    if (!isNamed && !byDefault.allowed) return byDefault;
    const refusing = demands.find((rules) => !rules.some(({ admits }) => admits(caller)));
    const admitting = demands[0]?.find(({ admits }) => admits(caller));
    return { allowed: refusing === undefined, line: lineOf(refusing ?? (admitting ? [admitting] : [])) };
  };
  const waysTo = remember((lookupKey: string): Demands[] => {
    const named = about(lookupKey);
    if (named.length === 0) return byDefault.allowed ? [[]] : [];
    const search = { charactersLeft: mostCharactersOfCopy };
    const found = Array.from(askedFor(lookup, lookupKey, search), (asked) =>
      policyDemandsOf({ named, lookupKey, asked }),
    );
    return found.flatMap(({ isNamed, demands }) => (isNamed || byDefault.allowed ? [demands] : []));
  });
  return {
    decide: (lookupKey, caller, asked, budget) => {
      const named = asked?.everyKey ? aboutEveryKey(all, lookupKey, budget) : about(lookupKey, budget);
      if (named.length === 0) return byDefault;
      let first: PolicyDecision | undefined;
      const possible = asked === undefined ? askedFor(lookup, lookupKey, briefSearch(), budget) : [asked];
      for (const reading of possible) {
        const decision = decide({ named, lookupKey, asked: reading }, caller, budget);
        if (decision.allowed) return decision;
        first ??= decision;
      }
      return first ?? { ...byDefault, allowed: false };
    },
    mayReach: (lookupKey, namespace) => waysTo(lookupKey).some((demands) => couldMeet(demands, namespace)),
    reservedBy: (lookupKey) => {
      const rules = rulesOf(mostSpecific(about(lookupKey)));
      return rules.length === 0 ? undefined : lineOf(rules);
    },
  };
}

/** Every name of 300 characters is read to its end; the copy of one that is not lies nowhere. */
const mostCharactersOfCopy = 100_000;

/** Yields what may be asked for under the name; nothing where the search ends first. */
function* askedFor(
  lookup: readonly LookupName[],
  lookupKey: string,
  search: ReadingSearch,
  budget?: WorkBudget,
): Generator<Asked> {
  let isRead = false;
  for (const asked of readingsOf(lookup, lookupKey, search, budget)) {
    isRead = true;
    yield asked;
  }
  if (!isRead && search.charactersLeft >= 0) yield { group: '', key: '' };
}

function lineOf(rules: readonly CompiledRule[]): string {
  const names = rules.map(({ name }) => `"${name}"`);
  return `${names.length === 1 ? 'rule' : 'rules'} ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''}`;
}
