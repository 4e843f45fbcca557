import type { WorkBudget } from '#shared/core/bounds/work-budget.ts';

/** Characters that are searched, hashed or copied in one step. */
const charactersPerStep = 32;

const dot = 0x2e;

/**
 * Writes a mount path as the kubelet takes it: below the root, without `.`, `..` and spare slashes. In time linear in the
 * path, and without a copy of each of its segments.
 * @param budget pays for the characters, and for each segment of a path that is not normal as it is
 */
export function normalMountPath(path: string, budget: WorkBudget): string {
  budget.spend(1 + Math.ceil(path.length / charactersPerStep));
  return isNormal(path) ? path : resolve(path, budget);
}

/**
 * Writes a mount path of a Windows container as {@link normalMountPath} would write the same place. There `C:\etc`, `\etc`,
 * `etc` and `/ETC/` are one (docs/reference/kube-apiserver.md C49). Another drive stays a place of its own.
 * @param budget pays for the characters and the segments
 */
export function windowsMountPath(path: string, budget: WorkBudget): string {
  budget.spend(1 + Math.ceil(path.length / charactersPerStep));
  const folded = path
    .toLowerCase()
    .replaceAll('\\', '/')
    .replace(/^\/\/[?.]\//, '')
    .replace(/^c:/, '/');
  const segments = folded.split('/');
  budget.spend(segments.length);
  const names = segments.map((name) => (isDots(name) ? name : withoutEnd(name)));
  return normalMountPath(names.join('/'), budget);
}

const isDots = (name: string): boolean => name === '.' || name === '..';

/** Takes off the dots and spaces at the end of a name. A pattern would look at each run of them again and again. */
function withoutEnd(name: string): string {
  let end = name.length;
  while (end > 0 && (name[end - 1] === '.' || name[end - 1] === ' ')) end--;
  return name.slice(0, end);
}

/** Recognises most normal paths, but none with a name that begins with a dot. */
function isNormal(path: string): boolean {
  // One look at each character; a search for two texts stops at every slash.
  return path.startsWith('/') && !path.endsWith('/') && !/\/[/.]/.test(path);
}

function resolve(path: string, budget: WorkBudget): string {
  // From the end, where a `..` takes away the next segment that stays; segments that stand together are one piece.
  const pieces: { start: number; end: number }[] = [];
  let dropped = 0;
  for (let end = path.length; end >= 0; ) {
    budget.spend(1);
    const start = end === 0 ? 0 : path.lastIndexOf('/', end - 1) + 1;
    const dots = dotsOf(path, start, end);
    if (dots === 2) dropped++;
    else if (dots === undefined && dropped > 0) dropped--;
    else if (dots === undefined) {
      const piece = pieces.at(-1);
      if (piece?.start === end + 1) piece.start = start;
      else pieces.push({ start, end });
    }
    end = start - 1;
  }
  const texts = pieces.reverse().map(({ start, end }) => path.slice(start, end));
  return `/${texts.join('/')}`;
}

/** How many dots a segment is, if it is nothing else and means a folder: none, `.` or `..`. */
function dotsOf(path: string, start: number, end: number): number | undefined {
  if (end - start > 2) return undefined;
  for (let at = start; at < end; at++) if (path.charCodeAt(at) !== dot) return undefined;
  return end - start;
}
