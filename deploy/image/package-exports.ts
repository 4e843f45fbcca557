/** Is how a module asks for another one; a package may answer each with a file of its own. */
export type RequestKind = 'import' | 'require';

/** Mirrors the fields of a package.json that say which file a request gets. */
export interface PackageFile {
  main?: string;
  exports?: unknown;
  imports?: Record<string, unknown>;
  type?: string;
  dependencies?: Record<string, string>;
}

/** The conditions that Node sets beside that of the request. */
const always = ['node', 'node-addons', 'module-sync', 'default'];

/**
 * Resolves a path of a package (`.`, `./sub`, or `#own` in `imports`) as Node does, to a path below the package. Undefined when the
 * package has no such path, or keeps it from this kind of request.
 */
export function resolveExport(map: unknown, path: string, kind: RequestKind): string | undefined {
  const entries = isPathMap(map) ? map : { '.': map };
  const exact = entries[path];
  if (exact !== undefined) return pickTarget(exact, kind, '');
  const patterns = Object.keys(entries)
    .filter((key) => key.includes('*'))
    .sort((left, right) => right.indexOf('*') - left.indexOf('*'));
  for (const pattern of patterns) {
    const [prefix = '', suffix = ''] = pattern.split('*');
    const isLong = path.length >= prefix.length + suffix.length;
    if (!isLong || !path.startsWith(prefix) || !path.endsWith(suffix)) continue;
    return pickTarget(entries[pattern], kind, path.slice(prefix.length, path.length - suffix.length));
  }
  return undefined;
}

const isPathMap = (map: unknown): map is Record<string, unknown> =>
  typeof map === 'object' && map !== null && Object.keys(map).some((key) => /^[.#]/.test(key));

/** Picks the first target whose conditions all hold. */
function pickTarget(target: unknown, kind: RequestKind, match: string): string | undefined {
  if (typeof target === 'string') return target.replaceAll('*', match);
  if (Array.isArray(target)) {
    return target.map((each) => pickTarget(each, kind, match)).find((each) => each !== undefined);
  }
  if (typeof target !== 'object' || target === null) return undefined;
  for (const [condition, inner] of Object.entries(target)) {
    if (condition !== kind && !always.includes(condition)) continue;
    const picked = pickTarget(inner, kind, match);
    if (picked !== undefined) return picked;
  }
  return undefined;
}
