import { compileGlob, endsOf, type GlobEnds, globsOverlap, hasWildcard, overlapByEnds } from './glob.ts';
import type { CompiledRule } from './policy-rule.ts';

/** The rules of which one each must admit, for one way to ask for a name. */
export type Demands = readonly (readonly CompiledRule[])[];

/** Namespaces of which is remembered which rules reach them: discovery asks for each global secret in each namespace. */
const mostRemembered = 5_000;
const conditions = ['serviceAccounts', 'projects', 'domains'] as const;

/** A list of globs: the plain texts, and the others with what tells whether they match. */
interface GlobList {
  texts: ReadonlySet<string>;
  wild: readonly WildGlob[];
}

/** A glob with a wildcard, and what most comparisons need of it. */
interface WildGlob {
  glob: string;
  matches: (text: string) => boolean;
  ends: GlobEnds;
}

/**
 * Tells whether one pod could meet several rules. Which rules have a caller in common is found out once for each two of
 * them, and which reach a namespace once for each namespace, so that a question is answered from bits.
 * @param onCompare called before two globs, or a glob and a text, are compared
 */
export function createRuleMeetings(
  rules: readonly CompiledRule[],
  onCompare: () => void = () => undefined,
): (demands: Demands, namespace: string) => boolean {
  const listsOf = remember((rule: CompiledRule) =>
    conditions.map((condition) => compileList(rule.who[condition])),
  );
  const haveOneInCommon = (one: CompiledRule, other: CompiledRule): boolean =>
    conditions.every((_, index) => {
      const [some, others] = [listsOf(one)[index], listsOf(other)[index]];
      return some === undefined || others === undefined || overlap(some, others, onCompare);
    });
  const partnersOf = remember((one: CompiledRule) =>
    bitsOf(rules.filter((other) => other === one || haveOneInCommon(one, other))),
  );
  const reachedIn = remember((namespace: string) =>
    bitsOf(rules.filter(({ reaches }) => reaches(namespace))),
  );
  const couldMeet = ([next, ...others]: Demands, possible: bigint): boolean =>
    next === undefined ||
    next.some((rule) => (possible & bitOf(rule)) !== 0n && couldMeet(others, possible & partnersOf(rule)));
  return (demands, namespace) => couldMeet(demands, reachedIn(namespace));
}

const bitOf = ({ place }: CompiledRule): bigint => 1n << BigInt(place);

const bitsOf = (rules: readonly CompiledRule[]): bigint =>
  rules.reduce((bits, rule) => bits | bitOf(rule), 0n);

/** Works out once what is asked for again and again. */
export function remember<Key, T>(make: (key: Key) => T): (key: Key) => T {
  const known = new Map<Key, T>();
  return (key) => {
    const made = known.get(key) ?? make(key);
    if (known.size >= mostRemembered) known.clear();
    known.set(key, made);
    return made;
  };
}

function compileList(globs: readonly string[] | undefined): GlobList | undefined {
  if (globs === undefined) return undefined;
  const wild = globs
    .filter(hasWildcard)
    .map((glob) => ({ glob, matches: compileGlob(glob), ends: endsOf(glob) }));
  return { texts: new Set(globs.filter((glob) => !hasWildcard(glob))), wild };
}

/** Tells whether some text is matched by a glob of each list. */
function overlap(one: GlobList, other: GlobList, onCompare: () => void): boolean {
  const [few, many] = one.texts.size < other.texts.size ? [one.texts, other.texts] : [other.texts, one.texts];
  for (const text of few) if (many.has(text)) return true;
  const matchesText = ({ wild }: GlobList, { texts }: GlobList): boolean =>
    wild.some(({ matches }) =>
      [...texts].some((text) => {
        onCompare();
        return matches(text);
      }),
    );
  if (matchesText(one, other) || matchesText(other, one)) return true;
  return one.wild.some(({ glob, ends }) =>
    other.wild.some((against) => {
      onCompare();
      return overlapByEnds(ends, against.ends) ?? globsOverlap(glob, against.glob);
    }),
  );
}
