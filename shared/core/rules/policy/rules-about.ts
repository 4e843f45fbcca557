import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { createGlobIndex, type GlobIndex } from './glob.ts';
import type { NamedSecrets } from './policy-rule.ts';
import type { Spelling } from './secret-spelling.ts';

/** Finds the rules about a lookup key, in every spelling that may be the same secret. */
export function compileRulesAbout(
  all: readonly NamedSecrets[],
  spelling: Spelling | undefined,
): GlobIndex<NamedSecrets> {
  // As it is written, too: the `*` of a glob may stand for what another spelling leaves out.
  const byName = createGlobIndex(all, ({ glob }) => glob);
  if (spelling === undefined) return byName;
  const bySpelling = [...spelling.perhaps, ...spelling.surely].map(({ ofGlob, ofName }) => ({
    find: createGlobIndex(all, ({ glob }) => ofGlob(glob)),
    ofName,
  }));
  const byWildcard = compileFurther(all, spelling);
  return (lookupKey, budget) => {
    const alike = bySpelling.flatMap(({ find, ofName }) => find(ofName(lookupKey), budget));
    return [...new Set([...byName(lookupKey, budget), ...alike, ...byWildcard(lookupKey, budget)])];
  };
}

/** Finds the rules of which wildcards stand for some of what another spelling adds. */
function compileFurther(
  all: readonly NamedSecrets[],
  { further, open }: Spelling,
): (lookupKey: string, budget?: WorkBudget) => NamedSecrets[] {
  const globs = all.flatMap((secrets) =>
    (further?.ofGlob(secrets.glob) ?? []).map((glob) => ({ glob, secrets })),
  );
  const find = createGlobIndex(globs, ({ glob }) => glob);
  const uris = all.flatMap((secrets) => (open?.ofGlob(secrets.glob) ?? []).map((uri) => ({ uri, secrets })));
  return (lookupKey, budget) => {
    const found = further === undefined ? [] : find(further.ofName(lookupKey), budget);
    const meets = open?.meeting(lookupKey, budget);
    const hidden = meets === undefined ? [] : uris.filter(({ uri }) => meets(uri));
    return [...found, ...hidden].map(({ secrets }) => secrets);
  };
}
