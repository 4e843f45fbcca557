import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';

/** A global secret as the operator mounted it. `name` is its lookup name: `env:TEAM_TOKEN` or `file:team/token`. */
export interface GlobalSecret {
  name: string;
  value: Uint8Array;
  /** Changes when the value was written anew; never derived from the value. */
  version: string;
}

/** Global secrets in environment variables, `<prefix><GROUP>_<KEY>`; they change only with a new start. */
export function globalsFromEnvironment(
  environment: Record<string, string | undefined>,
  prefix: string,
): GlobalSecret[] {
  return Object.entries(environment).flatMap(([variable, value]) =>
    variable.startsWith(prefix) && variable.length > prefix.length && value !== undefined
      ? [{ name: `env:${variable.slice(prefix.length)}`, value: Buffer.from(value), version: 'env' }]
      : [],
  );
}

/**
 * Global secrets in files, `<dir>/<group>/<key>`, through the symlinks of a kubelet's volume; its `..data` folders are
 * skipped. A folder that is absent holds none.
 * @throws when a file or folder cannot be read: the caller keeps what it had, for unreadable is not empty.
 */
export async function globalsFromFiles(dir: string): Promise<GlobalSecret[]> {
  const globals: GlobalSecret[] = [];
  for (const group of await namesIn(dir)) {
    const groupDir = join(dir, group);
    if (!(await stat(groupDir)).isDirectory()) continue;
    for (const key of await namesIn(groupDir)) {
      const path = join(groupDir, key);
      const { mtimeMs } = await stat(path);
      globals.push({ name: `file:${group}/${key}`, value: await readFile(path), version: String(mtimeMs) });
    }
  }
  return globals;
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => !name.startsWith('..')).sort();
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return [];
    throw err;
  }
}

/**
 * Reads all global secrets. Undefined when they could not be read whole, for example in the middle of a symlink swap:
 * the next look settles it.
 */
export async function readGlobals(options: {
  environment: Record<string, string | undefined>;
  envPrefix: string;
  dir: string;
  log: Logger;
}): Promise<GlobalSecret[] | undefined> {
  try {
    const files = await globalsFromFiles(options.dir);
    return [...globalsFromEnvironment(options.environment, options.envPrefix), ...files];
  } catch (err) {
    options.log.warn({ err, dir: options.dir }, 'global secrets not readable, keeping those known');
    return undefined;
  }
}
