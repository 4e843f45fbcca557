const slash = 0x2f;
const dot = 0x2e;

/**
 * A mount path as the kubelet takes it: below the root, without `.`, `..` and spare slashes. In time linear in the path,
 * which may be 3 MiB long, and without a copy of each of its segments.
 */
export function normalPath(path: string): string {
  // From the end, where a `..` takes away the next segment that stays; pieces are segments that stand together.
  const pieces: string[] = [];
  let pieceStart = 0;
  let pieceEnd = -1;
  let dropped = 0;
  for (let end = path.length; end >= 0; ) {
    let start = end;
    while (start > 0 && path.charCodeAt(start - 1) !== slash) start--;
    const dots = dotsOf(path, start, end);
    if (dots === 2) dropped++;
    else if (dots === undefined && dropped > 0) dropped--;
    else if (dots === undefined) {
      if (end + 1 !== pieceStart) {
        if (pieceEnd >= 0) pieces.push(path.slice(pieceStart, pieceEnd));
        pieceEnd = end;
      }
      pieceStart = start;
    }
    end = start - 1;
  }
  if (pieceEnd >= 0) pieces.push(path.slice(pieceStart, pieceEnd));
  return `/${pieces.reverse().join('/')}`;
}

/** How many dots a segment is, if it is nothing else and means a folder: none, `.` or `..`. */
function dotsOf(path: string, start: number, end: number): number | undefined {
  if (end - start > 2) return undefined;
  for (let at = start; at < end; at++) if (path.charCodeAt(at) !== dot) return undefined;
  return end - start;
}
