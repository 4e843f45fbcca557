import { constants } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from './clock.ts';

/** Contents by path; a file that is absent or unreadable has none. */
export type FileContents = ReadonlyMap<string, Buffer>;

/** Opens a FIFO without waiting for whoever writes it: it reads as empty. */
const flag = constants.O_RDONLY | constants.O_NONBLOCK;

type ReadContent = (path: string) => Promise<Buffer>;

const readContent: ReadContent = (path) => readFile(path, { flag });

/** Reads the files as they are now. */
export async function readFiles(paths: readonly string[], content = readContent): Promise<FileContents> {
  const contents = new Map<string, Buffer>();
  for (const path of paths) {
    const found = await content(path).catch(() => undefined);
    if (found !== undefined) contents.set(path, found);
  }
  return contents;
}

/**
 * Reads the files of a mounted folder as they are now, by name. The kubelet's own `..data` folders are skipped; an absent
 * folder has no files.
 * @throws when the folder is there and cannot be read: unreadable is not empty.
 */
export async function readFolder(folder: string, content = readContent): Promise<FileContents> {
  const contents = await readFiles(await pathsIn(folder), content);
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
  /** Reads one file. */
  content?: ReadContent;
  onChange: (contents: FileContents) => void;
}

/**
 * Calls `onChange` after the content of any of the files has changed. Polls: the kubelet's symlink swap gives inotify events
 * on folders that come and go. A look at each file's state is cheap, and contents are read only when one is another, or
 * while a file that is there cannot be read.
 * @returns a function that stops the watch.
 */
export function watchFiles(options: WatchOptions & { paths: readonly string[] }): () => void {
  const { paths, content } = options;
  return watchContents(
    { read: () => readFiles(paths, content), watched: async () => paths, keyOf: (path) => path },
    options,
  );
}

/** The same for all files of a folder; while that is unreadable, what was read last stays. */
export function watchFolder(options: WatchOptions & { folder: string }): () => void {
  const { folder, content } = options;
  return watchContents(
    {
      read: () => readFolder(folder, content),
      keyOf: (path) => basename(path),
      watched: async () => [folder, ...(await pathsIn(folder).catch(() => []))],
    },
    options,
  );
}

/** How contents are read, and the paths that tell by their state whether they have changed. */
interface Watched {
  read(): Promise<FileContents>;
  watched(): Promise<readonly string[]>;
  /** Gives the key in the contents of one of these paths. */
  keyOf(path: string): string;
}

function watchContents({ read, watched, keyOf }: Watched, options: WatchOptions): () => void {
  let last = options.initial;
  let state = '';
  let isSettled = false;
  let busy = false;
  const poll = async (): Promise<void> => {
    const seen = await stateOf(await watched());
    const isSame = seen.state === state;
    state = seen.state;
    // Once more after a change: what is written twice within a tick of the file system's clock looks the same.
    if (isSame && isSettled) return;
    const contents = await read().catch(() => undefined);
    // And while what is there cannot be read: descriptors may have run out for a moment.
    isSettled = isSame && contents !== undefined && seen.files.every((path) => contents.has(keyOf(path)));
    if (contents === undefined || sameContents(last, contents)) return;
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

/** Describes what there is at these paths and when each was changed, and names the regular files. */
async function stateOf(paths: readonly string[]): Promise<{ state: string; files: string[] }> {
  const states: string[] = [];
  const files: string[] = [];
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) files.push(path);
    states.push(
      found === undefined
        ? 'none'
        : `${found.dev} ${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`,
    );
  }
  return { state: states.join(), files };
}
