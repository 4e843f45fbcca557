import { constants } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from './clock.ts';

/** Contents by path; a file that is absent or unreadable has none. */
export type FileContents = ReadonlyMap<string, Buffer>;

/** Opens a FIFO without waiting for whoever writes it: it reads as empty. */
const flag = constants.O_RDONLY | constants.O_NONBLOCK;

/** Reads the files as they are now. */
export async function readFiles(paths: readonly string[]): Promise<FileContents> {
  const contents = new Map<string, Buffer>();
  for (const path of paths) {
    const content = await readFile(path, { flag }).catch(() => undefined);
    if (content !== undefined) contents.set(path, content);
  }
  return contents;
}

/**
 * Reads the files of a mounted folder as they are now, by name. The kubelet's own `..data` folders are skipped; an absent
 * folder has no files.
 * @throws when the folder is there and cannot be read: unreadable is not empty.
 */
export async function readFolder(folder: string): Promise<FileContents> {
  const contents = await readFiles(await pathsIn(folder));
  return new Map([...contents].map(([path, content]) => [basename(path), content]));
}

async function pathsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return [];
    throw err;
  });
  const names = entries.filter((name) => !name.startsWith('.')).sort();
  return names.map((name) => join(folder, name));
}

const sameContents = (a: FileContents, b: FileContents): boolean =>
  a.size === b.size && [...a].every(([path, content]) => b.get(path)?.equals(content) === true);

/** Often enough: the kubelet itself takes up to a minute to mount what has changed. */
const pollIntervalMs = 2_000;

interface WatchOptions {
  initial: FileContents;
  clock: Clock;
  onChange: (contents: FileContents) => void;
}

/**
 * Calls `onChange` after the content of any of the files has changed. Polls: the kubelet's symlink swap gives inotify events
 * on folders that come and go. A look at each file's state is cheap, and contents are read only when one is another.
 * @returns a function that stops the watch.
 */
export function watchFiles(options: WatchOptions & { paths: readonly string[] }): () => void {
  const { paths } = options;
  return watchContents({ read: () => readFiles(paths), watched: async () => paths }, options);
}

/** The same for all files of a folder; while that is unreadable, what was read last stays. */
export function watchFolder(options: WatchOptions & { folder: string }): () => void {
  const { folder } = options;
  return watchContents(
    {
      read: () => readFolder(folder),
      watched: async () => [folder, ...(await pathsIn(folder).catch(() => []))],
    },
    options,
  );
}

/** How contents are read, and the paths that tell by their state whether they have changed. */
interface Watched {
  read(): Promise<FileContents>;
  watched(): Promise<readonly string[]>;
}

function watchContents({ read, watched }: Watched, options: WatchOptions): () => void {
  let last = options.initial;
  let state = '';
  let isSettled = false;
  let busy = false;
  const poll = async (): Promise<void> => {
    const seen = await stateOf(await watched());
    const isSame = seen === state;
    state = seen;
    // Once more after a change: what is written twice within a tick of the file system's clock looks the same.
    if (isSame && isSettled) return;
    isSettled = isSame;
    const contents = await read().catch(() => last);
    if (sameContents(last, contents)) return;
    last = contents;
    options.onChange(contents);
  };
  return options.clock.every(pollIntervalMs, async () => {
    if (busy) return;
    busy = true;
    await poll().finally(() => {
      busy = false;
    });
  });
}

/** Describes which files there are at these paths, and when each was changed. */
async function stateOf(paths: readonly string[]): Promise<string> {
  const states: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    states.push(
      found === undefined
        ? 'none'
        : `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`,
    );
  }
  return states.join();
}
