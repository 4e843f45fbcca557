import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { compileGlob, endAlike, hasWildcard, meetFromEnd, prefixLength, tailOf } from './glob.ts';

/** A rule of which wildcards hide the host or the kind. */
export interface OpenUri {
  glob: string;
  head: string;
  tail: string;
  /** Where it writes all slashes that a secret's URI has, what its name must match. */
  matchesName: ((name: string) => boolean) | undefined;
}

/** Those of `https://<host>/<kind>/<name>`. */
const slashesOfSecret = 4;

/**
 * Lists what a glob of URIs is held against secrets as, where a wildcard stands before the name: as it is written, and
 * without what may be a version.
 */
export function openUris(glob: string, withoutVersion: (uri: string) => string): OpenUri[] {
  if (!hasWildcard(glob) || /^https:\/\/[^/*?]+\/[^/*?]+\//.test(glob)) return [];
  const tail = tailOf(glob);
  const endsInSegment = tail.split('/').length > 2 || /\/[*?]+$/.test(glob);
  const all = [glob, withoutVersion(glob), ...(endsInSegment ? [glob.slice(0, glob.lastIndexOf('/'))] : [])];
  return [...new Set(all)].map((one) => ({
    glob: one,
    head: one.slice(0, prefixLength(one)),
    tail: tailOf(one),
    matchesName: one.split('/').length > slashesOfSecret ? compileGlob(one.replace(/^.*\//, '')) : undefined,
  }));
}

/** Whether the glob matches some URI of a vault's secret, whichever host and kind that writes. */
export function meetsUri(
  { glob, head, tail, matchesName }: OpenUri,
  { vault, secret }: { vault: string; secret: string },
  budget?: WorkBudget,
): boolean {
  budget?.spend(2);
  const start = `https://${vault}.`;
  if (!head.startsWith(start) && !start.startsWith(head)) return false;
  if (!secret.includes('*') && (!endAlike(tail, `/${secret}`) || matchesName?.(secret) === false))
    return false;
  const pattern = `${start}*/*/${secret}`;
  budget?.spend(Math.ceil((glob.length * pattern.length) / 16));
  return meetFromEnd(glob, pattern, restsMeet);
}

/** A glob and a pattern of a secret's URI, whose `*` has no slash. */
function restsMeet(
  a: string | undefined,
  b: string | undefined,
  j: number,
  row: readonly boolean[],
  below: readonly boolean[],
): boolean {
  if (a === undefined && b === undefined) return true;
  if (a === '*') return below[j] === true || row[j + 1] === true;
  if (b === '*') return row[j + 1] === true || (a !== undefined && a !== '/' && below[j] === true);
  return a !== undefined && b !== undefined && (a === b || a === '?') && below[j + 1] === true;
}
