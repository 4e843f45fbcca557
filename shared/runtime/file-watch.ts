import { readFile } from 'node:fs/promises';
import type { Clock } from './clock.ts';

/** Contents by path; a file that is absent or unreadable has none. */
export type FileContents = ReadonlyMap<string, Buffer>;

/** Reads the files as they are now. */
export async function readFiles(paths: readonly string[]): Promise<FileContents> {
  const contents = new Map<string, Buffer>();
  for (const path of paths) {
    const content = await readFile(path).catch(() => undefined);
    if (content !== undefined) contents.set(path, content);
  }
  return contents;
}

const sameContents = (a: FileContents, b: FileContents): boolean =>
  a.size === b.size && [...a].every(([path, content]) => b.get(path)?.equals(content) === true);

/**
 * Calls `onChange` after the content of any of the files has changed. Polls by content: the kubelet's symlink swap
 * gives inotify events on folders that come and go, while a mounted Secret or ConfigMap costs microseconds to read.
 * @returns a function that stops the watch.
 */
export function watchFiles(options: {
  paths: readonly string[];
  initial: FileContents;
  intervalMs: number;
  clock: Clock;
  onChange: (contents: FileContents) => void;
}): () => void {
  let last = options.initial;
  let busy = false;
  return options.clock.every(options.intervalMs, async () => {
    if (busy) return;
    busy = true;
    const contents = await readFiles(options.paths);
    busy = false;
    if (sameContents(last, contents)) return;
    last = contents;
    options.onChange(contents);
  });
}
