import { constants } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
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
  const entries = await readdir(folder).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return [];
    throw err;
  });
  const names = entries.filter((name) => !name.startsWith('.')).sort();
  const contents = await readFiles(names.map((name) => join(folder, name)));
  return new Map([...contents].map(([path, content]) => [basename(path), content]));
}

const sameContents = (a: FileContents, b: FileContents): boolean =>
  a.size === b.size && [...a].every(([path, content]) => b.get(path)?.equals(content) === true);

interface WatchOptions {
  initial: FileContents;
  intervalMs: number;
  clock: Clock;
  onChange: (contents: FileContents) => void;
}

/**
 * Calls `onChange` after the content of any of the files has changed. Polls by content: the kubelet's symlink swap
 * gives inotify events on folders that come and go, while a mounted Secret or ConfigMap costs microseconds to read.
 * @returns a function that stops the watch.
 */
export function watchFiles(options: WatchOptions & { paths: readonly string[] }): () => void {
  return watchContents(() => readFiles(options.paths), options);
}

/** The same for all files of a folder; while that is unreadable, what was read last stays. */
export function watchFolder(options: WatchOptions & { folder: string }): () => void {
  return watchContents(() => readFolder(options.folder), options);
}

function watchContents(read: () => Promise<FileContents>, options: WatchOptions): () => void {
  let last = options.initial;
  let busy = false;
  return options.clock.every(options.intervalMs, async () => {
    if (busy) return;
    busy = true;
    const contents = await read().catch(() => last);
    busy = false;
    if (sameContents(last, contents)) return;
    last = contents;
    options.onChange(contents);
  });
}
