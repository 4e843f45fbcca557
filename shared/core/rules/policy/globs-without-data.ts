import { compileGlob, hasWildcard, prefixLength } from './glob.ts';

/** A rule about a name with a suffix of six characters that are no word; the wildcards may stand for some of them. */
const withSuffix = /^(.*)-([A-Za-z0-9*?]+)$/;

/**
 * The name in front of the six characters that AWS adds, where a glob writes the `-` and what follows can be such a suffix.
 * Lower-case letters are a word: a rule about `db-writ*` is not about `db`.
 */
export function globsWithoutSix(glob: string): string[] {
  const [, name = '', suffix = ''] = withSuffix.exec(glob) ?? [];
  const letters = suffix.replaceAll(/[*?]/g, '');
  const shortest = suffix.replaceAll('*', '').length;
  const isSix = suffix.includes('*') ? shortest <= 6 : shortest === 6;
  return suffix !== '' && isSix && !/^[a-z]+$/.test(letters) ? [name] : [];
}

/** More ways to read one glob than anybody writes; behind them it is taken for all that begins as it does. */
const mostReadings = 16;

/**
 * What else a glob of paths is about when a segment `data` is left out of them: one that it writes next to a wildcard, or
 * as a segment with wildcards between two slashes. A `*` alone stands for `data` and for all else, so it tells nothing.
 */
export function globsWithoutData(glob: string): string[] {
  const found = new Set([glob]);
  for (const one of found) {
    for (const next of [...withoutDataByWildcard(one), ...withoutDataSegment(one)]) found.add(next);
    if (found.size > mostReadings) return [`${glob.slice(0, prefixLength(glob)).replace(/[^/]*$/, '')}*`];
  }
  found.delete(glob);
  return [...found];
}

/** Leaves out each `data` that is written in full, where a wildcard may be the slash before it or behind it. */
function withoutDataByWildcard(glob: string): string[] {
  return Array.from(glob.matchAll(/(?<=([/*?]))data(?=([/*?]))/g)).flatMap(
    ({ 1: before, 2: behind, index }) => {
      const rest = glob.slice(index + 'data'.length + 1);
      // The last segment is the key.
      if (behind !== '/' && !rest.includes('/')) return [];
      const front = before === '*' ? glob.slice(0, index) : glob.slice(0, index - 1);
      return [`${front}/${behind === '*' ? '*' : ''}${rest}`];
    },
  );
}

function withoutDataSegment(glob: string): string[] {
  const segments = glob.split('/');
  return segments.flatMap((segment, at) => {
    // Behind it stands a name, not only the key.
    const isInside = at > 0 && at < segments.length - 2;
    if (!isInside || !hasWildcard(segment) || /^\*+$/.test(segment)) return [];
    return compileGlob(segment)('data') ? [segments.toSpliced(at, 1).join('/')] : [];
  });
}
