import type { RecipePolicy } from '#shared/contracts/config/policy.ts';
import type { SpellingName } from '#shared/contracts/rules/rule-recipe.ts';
import type { Asked, LookupName } from '#shared/core/rules/template/lookup-name.ts';
import type { Variables } from '#shared/core/rules/template/template.ts';
import { compileGlob, globCovers, prefixLength } from './glob.ts';
import { secretSpelling } from './secret-spelling.ts';

/** Who asks: what a policy knows of a pod. */
export interface Caller {
  namespace: string;
  serviceAccount: string;
  /** Labels of Flyte's pods; undefined when the pod has none. */
  project?: string | undefined;
  domain?: string | undefined;
}

type Rule = RecipePolicy['rules'][number];

/** Whom a rule admits. */
export interface CompiledRule {
  name: string;
  /** Its place in the configuration. */
  place: number;
  admits(caller: Caller): boolean;
  reaches(namespace: string): boolean;
  /** How many globs all conditions have. */
  conditions: number;
  /** The other conditions, each a list of globs. */
  who: Pick<Rule, 'serviceAccounts' | 'projects' | 'domains'>;
}

/** One pair of a rule's globs, as a glob of lookup names: what the rule is about. */
export interface NamedSecrets {
  rule: CompiledRule;
  glob: string;
  /** How much of a name the glob writes out: characters before its first wildcard, and all that are none. */
  prefixLength: number;
  writtenLength: number;
  /** Whether it writes out more of the beginning than every name of the manager has. */
  hasBeginning: boolean;
  /** Whether a name that it matches can be that of several groups and keys. */
  isBorderless: boolean;
  /** The pair itself, as a name tells group and key. */
  pair: { group: string | undefined; key: string | undefined };
  fold: LookupName['fold'];
  spelling: ReturnType<typeof secretSpelling>;
}

/** Which of two writes out more of a name: the one with the longer beginning, then the one with more of the rest. */
export function compareSpecificity(one: NamedSecrets, other: NamedSecrets): number {
  return one.prefixLength - other.prefixLength || one.writtenLength - other.writtenLength;
}

export function compilePolicyRule(rule: Rule, place: number): CompiledRule {
  const { name, namespaces, serviceAccounts, projects, domains } = rule;
  const inNamespace = anyOf(namespaces);
  const asServiceAccount = anyOf(serviceAccounts);
  const inProject = anyOf(projects);
  const inDomain = anyOf(domains);
  return {
    name,
    place,
    admits: (caller) =>
      inNamespace(caller.namespace) &&
      asServiceAccount(caller.serviceAccount) &&
      inProject(caller.project) &&
      inDomain(caller.domain),
    reaches: inNamespace,
    conditions: [namespaces, serviceAccounts, projects, domains].flatMap((globs) => globs ?? []).length,
    who: { serviceAccounts, projects, domains },
  };
}

/** Lists the names that a rule selects, one for each pair of its globs and each lookup. */
export function namedSecrets(
  { groups = ['*'], keys = ['*'] }: Pick<Rule, 'groups' | 'keys'>,
  rule: CompiledRule,
  lookup: readonly LookupName[],
  spelling: SpellingName | undefined,
): NamedSecrets[] {
  const pairs = groups.flatMap((group) => keys.map((key) => ({ group, key })));
  return lookup.flatMap((name) => namedBy(pairs, rule, name, spelling));
}

/** There may be very many: what is needed of few of them is worked out when it is. */
function namedBy(
  pairs: readonly Asked[],
  rule: CompiledRule,
  name: LookupName,
  spelling: SpellingName | undefined,
): NamedSecrets[] {
  const everyName = prefixLength(name.render(asVariables({ group: '*', key: '*' })));
  return pairs.map((globs) => {
    const glob = name.render(asVariables(globs));
    const written = prefixLength(glob);
    return {
      rule,
      glob,
      prefixLength: written,
      hasBeginning: written > everyName,
      writtenLength: glob.replaceAll(/[*?]/g, '').length,
      isBorderless: name.isBorderless,
      pair: { group: name.fold.group?.(globs.group), key: name.fold.key?.(globs.key) },
      fold: name.fold,
      spelling: secretSpelling(spelling),
    };
  });
}

/** Lists each rule once, in the order of the configuration. */
export function rulesOf(named: readonly NamedSecrets[]): CompiledRule[] {
  return [...new Set(named.map(({ rule }) => rule))].sort((a, b) => a.place - b.place);
}

/** Whether the rule names what is asked for itself, and not only something that may be the same. */
export function namesLiterally(named: NamedSecrets, lookupKey: string, asked: Asked): boolean {
  if (named.spelling?.surely !== undefined) return surelyNames(named, lookupKey) && tellsKey(named, asked);
  return compileGlob(named.glob)(lookupKey) && tells(named, 'group', asked) && tells(named, 'key', asked);
}

/** Whether the rule surely names what is written so: a name, or all that the glob of another rule stands for. */
export function surelyNames({ glob, spelling }: NamedSecrets, written: string): boolean {
  return (spelling?.surely ?? []).some(({ ofGlob, ofName }) => globCovers(ofGlob(glob), ofName(written)));
}

/** Whether the key is one that the rule names, where a name has it apart. */
export function tellsKey(named: NamedSecrets, asked: Asked): boolean {
  return !named.spelling?.keyApart || tells(named, 'key', asked);
}

/** Compares a field as the name tells it; what no name tells cannot be asked of it. */
function tells({ fold, pair }: NamedSecrets, field: 'group' | 'key', asked: Asked): boolean {
  const glob = pair[field];
  return glob === undefined || compileGlob(glob)(fold[field]?.(asked[field]) ?? asked[field]);
}

function asVariables({ group, key }: { group: string; key: string }): Variables {
  const any = '*';
  const versionedGroup = `${group}_${any}`;
  return { group, key, groupVersion: any, envVar: any, namespace: any, versionedGroup, id: any, entry: {} };
}

type Matcher = (text: string | undefined) => boolean;

/** Compiles a list of globs. Without globs everything matches, with globs an absent value does not. */
function anyOf(globs: readonly string[] | undefined): Matcher {
  if (globs === undefined) return () => true;
  const compiled = globs.map(compileGlob);
  return (text) => text !== undefined && compiled.some((matches) => matches(text));
}
