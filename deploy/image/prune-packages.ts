import { globSync, readdirSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { findReachableFiles } from './reachable-files.ts';

// Leaves in node_modules what the programs of the image can load, and what packages read as data. Usage: prune-packages.ts <folder>
// (of package.json, node_modules, and the sources). Runs in the build of the image.
const root = resolve(process.argv[2] ?? '.');

/** Describes files that no program loads: types, maps, sources of other languages, pages, programs for other runtimes. */
const waste =
  /\.(d\.[cm]?ts|[cm]?tsx?|map|md|markdown|flow|bare|node|c|cc|cpp|h|gyp|html|css|yml|yaml|txt|tgz|coffee)$/i;
const script = /\.[cm]?js$/;
/** Stays although nothing loads it: the licences oblige whoever passes a package on. */
const legal = /^(licen[cs]e|notice|copying|authors|thirdparty)/i;

const entries = globSync('{shared,services,cli}/**/*.ts', { cwd: root }).filter(
  (file) => !file.endsWith('.test.ts'),
);
const reachable = findReachableFiles(root, entries);

/** Removes what nobody needs below a folder, and the folder when it is empty then. Returns the bytes that stay. */
function prune(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += prune(path);
    else if (entry.isSymbolicLink() || !isNeeded(path)) rmSync(path);
    else bytes += statSync(path).size;
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
  return bytes;
}

function isNeeded(path: string): boolean {
  if (reachable.has(path)) return true;
  const name = basename(path);
  if (legal.test(name)) return true;
  return !script.test(name) && !waste.test(name);
}

const bytes = prune(join(root, 'node_modules'));
process.stdout.write(`node_modules: ${Math.round(bytes / 1e6)} MB, ${reachable.size} files loaded\n`);
