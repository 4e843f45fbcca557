import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { type PackageFile, type RequestKind, resolveExport } from './package-exports.ts';

interface Request {
  specifier: string;
  kind: RequestKind;
}

/** Literal specifiers of static imports and re-exports, of dynamic imports, and of require, also in what is only a comment. */
const patterns: readonly { kind: RequestKind; pattern: RegExp }[] = [
  { kind: 'import', pattern: /\b(?:from|import)\s*["']([^"'\n]+)["']/g },
  { kind: 'import', pattern: /\bimport\s*\(\s*(?:\/\*.*?\*\/\s*)?["'`]([^"'`$\n]+)["'`]/g },
  { kind: 'require', pattern: /\b_*require\d*(?:\.resolve)?\s*\(\s*["'`]([^"'`$\n]+)["'`]/g },
];

/** Lists what a source asks for. It finds too much rather than too little. */
export const requestsOf = (source: string): Request[] =>
  patterns.flatMap(({ kind, pattern }) =>
    Array.from(source.matchAll(pattern), ([, specifier = '']) => ({ specifier, kind })),
  );

/**
 * Finds the files below `root` that the entries can reach: by literal requests, as Node resolves them, and the main file of each
 * declared dependency that nothing names, because some packages make its name up at run time.
 */
export function findReachableFiles(root: string, entries: readonly string[]): ReadonlySet<string> {
  const walk = new Walk(root);
  for (const entry of entries) walk.visit(join(root, entry));
  walk.visitUnnamed();
  return walk.files;
}

class Walk {
  readonly files = new Set<string>();
  readonly #root: string;
  readonly #packages = new Map<string, PackageFile>();
  readonly #reached = new Set<string>();

  constructor(root: string) {
    this.#root = root;
  }

  visit(entry: string): void {
    const queue = [entry];
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      if (this.files.has(file)) continue;
      this.files.add(file);
      this.#reached.add(this.#packageFolder(file));
      if (!/\.(c|m)?[jt]s$/.test(file)) continue;
      for (const request of requestsOf(readFileSync(file, 'utf8'))) {
        const target = this.#resolve(request, file);
        if (target !== undefined) queue.push(target);
      }
    }
  }

  /** Visits declared dependencies of reached packages until each is reached, as both kinds of request find them. */
  visitUnnamed(): void {
    for (const folder of this.#reached) {
      if (folder === this.#root) continue;
      for (const name of Object.keys(this.#read(folder).dependencies ?? {})) this.#visitMain(name, folder);
    }
  }

  #visitMain(name: string, from: string): void {
    const found = this.#findPackage(name, from);
    if (found === undefined || this.#reached.has(found)) return;
    for (const kind of ['import', 'require'] as const) {
      const target = this.#resolve({ specifier: name, kind }, join(from, 'package.json'));
      if (target !== undefined) this.visit(target);
    }
  }

  #resolve({ specifier, kind }: Request, from: string): string | undefined {
    if (isBuiltin(specifier) || specifier.startsWith('node:')) return undefined;
    if (/^\.{1,2}(\/|$)/.test(specifier)) return probe(join(dirname(from), specifier));
    if (specifier.startsWith('#')) return this.#resolveOwn({ specifier, kind }, from);
    const [, name = '', path = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(specifier) ?? [];
    const folder = this.#findPackage(name, dirname(from));
    if (folder === undefined) return undefined;
    const { exports, main } = this.#read(folder);
    if (exports !== undefined && exports !== null) {
      const target = resolveExport(exports, `.${path}`, kind);
      return target === undefined ? undefined : probe(join(folder, target));
    }
    if (path !== '') return probe(join(folder, path));
    return probe(join(folder, main ?? 'index.js')) ?? probe(join(folder, 'index.js'));
  }

  /** Resolves a name of the package's own `imports`, which may stand for a file of it or for another package. */
  #resolveOwn({ specifier, kind }: Request, from: string): string | undefined {
    const folder = this.#packageFolder(from);
    const target = resolveExport(this.#read(folder).imports ?? {}, specifier, kind);
    if (target === undefined) return undefined;
    return target.startsWith('.')
      ? probe(join(folder, target))
      : this.#resolve({ specifier: target, kind }, from);
  }

  /** Finds a package as Node does: in node_modules of this folder, or of one above. */
  #findPackage(name: string, from: string): string | undefined {
    for (let folder = from; folder.startsWith(this.#root); folder = dirname(folder)) {
      const candidate = join(folder, 'node_modules', name);
      if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate);
    }
    return undefined;
  }

  /** Finds the folder of the package.json that names things for this file; inside a package there may be nested ones. */
  #packageFolder(file: string): string {
    let folder = dirname(file);
    for (; folder !== this.#root && folder !== sep; folder = dirname(folder)) {
      if (this.#isPackage(folder)) return folder;
    }
    return this.#root;
  }

  #isPackage(folder: string): boolean {
    if (!existsSync(join(folder, 'package.json'))) return false;
    const { name } = this.#read(folder) as { name?: string };
    return name !== undefined;
  }

  #read(folder: string): PackageFile {
    let read = this.#packages.get(folder);
    if (read === undefined) {
      read = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageFile;
      this.#packages.set(folder, read);
    }
    return read;
  }
}

/** Finds the file of a path as require does: itself, with an extension, or the index of a folder. */
function probe(path: string): string | undefined {
  const extensions = ['', '.js', '.json', '.cjs', '.mjs', '.node'];
  const direct = extensions.map((extension) => `${path}${extension}`).find(isFile);
  if (direct !== undefined) return direct;
  const inner = join(path, 'package.json');
  if (isFile(inner)) {
    const { main = 'index.js' } = JSON.parse(readFileSync(inner, 'utf8')) as PackageFile;
    const found = extensions.map((extension) => join(path, `${main}${extension}`)).find(isFile);
    if (found !== undefined) return found;
  }
  return extensions.map((extension) => join(path, `index${extension}`)).find(isFile);
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;
