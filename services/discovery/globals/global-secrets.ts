import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { readGlobalFile, type Unreadable, unreadable } from './read-global-file.ts';

/** Describes a global secret as the operator mounted it. `name` is its lookup name: `env:TEAM_TOKEN` or `file:team/token`. */
export interface GlobalSecret {
  name: string;
  value: Uint8Array;
  /** Changes when the value is written again; never derived from the value. */
  version: string;
}

/** Reads global secrets from environment variables, `<prefix><GROUP>_<KEY>`; they change only with a restart. */
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

/** Names something in the folder that is no secret, and why. */
interface Skipped {
  path: string;
  reason: string;
}

/**
 * Reads global secrets from files, `<dir>/<group>/<key>`, through the symlinks of a kubelet's volume; its `..data`
 * folders are skipped. A folder that is absent holds none. What is no readable file is skipped, and the others are served.
 * @param known what was read before: a file that is there and cannot be read keeps its value, for unreadable is not gone
 * @throws when the folder itself cannot be read: the caller keeps what it had
 */
export async function globalsFromFiles(
  dir: string,
  onSkipped: (skipped: Skipped) => void = () => undefined,
  known: readonly GlobalSecret[] = [],
): Promise<GlobalSecret[]> {
  const before = new Map(known.map((global) => [global.name, global]));
  const fileOf = async (group: string, key: string): Promise<GlobalSecret[]> => {
    const path = join(dir, group, key);
    const name = `file:${group}/${key}`;
    const read = await readGlobalFile(path);
    if ('value' in read) return [{ name, ...read }];
    onSkipped({ path, reason: read.reason });
    return read.isGone ? [] : [before.get(name) ?? []].flat();
  };
  const groupOf = async (group: string): Promise<GlobalSecret[]> => {
    const path = join(dir, group);
    const keys = await keysOf(path);
    if (Array.isArray(keys)) return inTurn(keys, (key) => fileOf(group, key));
    onSkipped({ path, reason: keys.reason });
    return keys.isGone ? [] : known.filter(({ name }) => name.startsWith(`file:${group}/`));
  };
  return inTurn(await namesIn(dir), groupOf);
}

/** Reads one after the other, so that few files are open at a time. */
async function inTurn(
  names: readonly string[],
  read: (name: string) => Promise<GlobalSecret[]>,
): Promise<GlobalSecret[]> {
  const globals: GlobalSecret[] = [];
  for (const name of names) globals.push(...(await read(name)));
  return globals;
}

/** Lists the files of a group; none for a file beside the groups. */
async function keysOf(groupDir: string): Promise<string[] | Unreadable> {
  try {
    return (await stat(groupDir)).isDirectory() ? await namesIn(groupDir) : [];
  } catch (err) {
    return unreadable(err);
  }
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
 * Reads all global secrets.
 * @param options.known what was read before
 * @param options.told what was skipped before: each thing is logged once, while it exists
 * @returns undefined when the folder could not be read
 */
export async function readGlobals(options: {
  environment: Record<string, string | undefined>;
  envPrefix: string;
  dir: string;
  known?: readonly GlobalSecret[] | undefined;
  told?: Set<string>;
  log: Logger;
}): Promise<GlobalSecret[] | undefined> {
  const { dir, log, known, told = new Set() } = options;
  const skipped = new Set<string>();
  const onSkipped = ({ path, reason }: Skipped): void => {
    const what = `${path}: ${reason}`;
    skipped.add(what);
    if (!told.has(what))
      log.warn({ path, reason }, 'path is no global secret and is skipped, the others are served');
  };
  try {
    const files = await globalsFromFiles(dir, onSkipped, known);
    told.clear();
    for (const what of skipped) told.add(what);
    return [...globalsFromEnvironment(options.environment, options.envPrefix), ...files];
  } catch (err) {
    log.warn({ err, dir }, 'global secrets not readable, keeping those known');
    return undefined;
  }
}
