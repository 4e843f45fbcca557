/**
 * Finds the deepest folder that alone has more than a share of all costs: what one tenant has too much of lies below it.
 * @param costs by path; a folder is what ends with a slash
 * @param within how paths of the places begin whose names these are: a folder is looked for below one of them
 */
export function heaviestFolder(
  costs: Iterable<readonly [path: string, cost: number]>,
  { within, moreThan }: { within: readonly string[]; moreThan: number },
): string | undefined {
  let found: string | undefined;
  let paths = [...costs];
  for (;;) {
    const [folder, cost] = heaviestChild(paths, found, within);
    if (folder === undefined || cost <= moreThan) return found;
    found = folder;
    paths = paths.filter(([path]) => path.startsWith(folder));
  }
}

/** Finds the folder next below `above` that costs most; without `above`, next below a place. */
function heaviestChild(
  paths: readonly (readonly [path: string, cost: number])[],
  above: string | undefined,
  within: readonly string[],
): [folder: string | undefined, cost: number] {
  const sums = new Map<string, number>();
  let heaviest: string | undefined;
  for (const [path, cost] of paths) {
    const place = above ?? within.find((one) => path.startsWith(one));
    const end = place === undefined ? -1 : path.indexOf('/', place.length);
    if (end < 0) continue;
    const folder = path.slice(0, end + 1);
    sums.set(folder, (sums.get(folder) ?? 0) + cost);
    if ((sums.get(folder) ?? 0) > (sums.get(heaviest ?? '') ?? 0)) heaviest = folder;
  }
  return [heaviest, sums.get(heaviest ?? '') ?? 0];
}
