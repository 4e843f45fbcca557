/** Keys examined at most, so that a denial stays cheap in a namespace full of Secrets. */
const mostKeys = 5_000;
const mostSuggestions = 3;

/**
 * Names that a person may have meant: they differ in letter case, punctuation, or one or two characters.
 */
export function findNearMisses(wanted: string, keys: Iterable<string>): string[] {
  const target = simplify(wanted);
  const found: { key: string; distance: number }[] = [];
  let examined = 0;
  for (const key of keys) {
    if (++examined > mostKeys) break;
    const distance = editDistance(target, simplify(key), 2);
    if (distance <= 2) found.push({ key, distance });
  }
  found.sort((a, b) => a.distance - b.distance || (a.key < b.key ? -1 : 1));
  return found.slice(0, mostSuggestions).map(({ key }) => key);
}

function simplify(name: string): string {
  return name.toLowerCase().replaceAll(/[-._]/g, '');
}

/** Levenshtein distance, or `limit + 1` when it is larger. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) > limit) return limit + 1;
    previous = current;
  }
  return previous[b.length] ?? limit + 1;
}
