/**
 * A mount path as the kubelet takes it: below the root, without `.`, `..` and spare slashes. In time linear in the path,
 * which `path.posix.resolve` is not: it copies what it has for each `..`.
 */
export function normalPath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '' && segment !== '.') segments.push(segment);
  }
  return `/${segments.join('/')}`;
}

/** Whether a path is the other one or lies below it. */
export function isWithin(path: string, folder: string): boolean {
  return path.startsWith(folder) && (path.length === folder.length || path[folder.length] === '/');
}
