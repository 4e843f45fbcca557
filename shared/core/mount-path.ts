const slash = 0x2f;
const dot = 0x2e;

/**
 * A mount path as the kubelet takes it: below the root, without `.`, `..` and spare slashes. In time linear in the path,
 * which may be 3 MiB long, and without a copy of each of its segments.
 */
export function normalPath(path: string): string {
  // From the end, where a `..` takes away the next segment that stays; segments that stand together are one piece.
  const pieces: { start: number; end: number }[] = [];
  let dropped = 0;
  for (let end = path.length; end >= 0; ) {
    const start = segmentStart(path, end);
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

function segmentStart(path: string, end: number): number {
  let start = end;
  while (start > 0 && path.charCodeAt(start - 1) !== slash) start--;
  return start;
}

/** How many dots a segment is, if it is nothing else and means a folder: none, `.` or `..`. */
function dotsOf(path: string, start: number, end: number): number | undefined {
  if (end - start > 2) return undefined;
  for (let at = start; at < end; at++) if (path.charCodeAt(at) !== dot) return undefined;
  return end - start;
}
