import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Bounds a value by what a Secret of Kubernetes may hold, so that a copy has room for it. */
const mostBytes = 1_024 * 1_024;

/** Says why something in a mounted folder is no secret. `isGone`: it leads nowhere, else it exists and is not readable. */
export interface Unreadable {
  reason: string;
  isGone: boolean;
}

type Read = { value: Uint8Array; version: string } | Unreadable;

/**
 * Reads one mounted file without ever waiting. Anything else of its name (a folder, a FIFO, a socket, a device) and
 * anything too large is reported, not read.
 * @throws when the process lacks file descriptors or memory, which says nothing about the file
 */
export async function readGlobalFile(path: string): Promise<Read> {
  const first = await tryFile(path);
  // In the middle of a kubelet's swap of its ..data symlink the second try goes to the new folder.
  return 'isGone' in first && first.isGone ? tryFile(path) : first;
}

async function tryFile(path: string): Promise<Read> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK a FIFO is not even opened until somebody writes.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) return { reason: 'it is no file', isGone: false };
    const value = await readTo(file, mostBytes + 1);
    return value.length > mostBytes
      ? { reason: `it is larger than ${mostBytes} bytes`, isGone: false }
      : { value, version: String(stat.mtimeMs) };
  } catch (err) {
    return unreadable(err);
  } finally {
    await file?.close();
  }
}

/** Reads up to a length; the size of a file in /proc, or of one that grows, says nothing about its content. */
async function readTo(file: FileHandle, length: number): Promise<Uint8Array> {
  const { size } = await file.stat();
  let value = Buffer.alloc(Math.min(size + 1, length));
  let filled = 0;
  for (;;) {
    const { bytesRead } = await file.read(value, filled, value.length - filled, filled);
    filled += bytesRead;
    if (bytesRead === 0 || filled === length) return value.subarray(0, filled);
    if (filled === value.length) value = Buffer.concat([value], Math.min(2 * filled, length));
  }
}

const exhaustion = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);
const leadsNowhere = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/**
 * Explains the error of a file or folder.
 * @throws the error itself when the process lacks resources
 */
export function unreadable(err: unknown): Unreadable {
  const code = err instanceof Error && 'code' in err ? String(err.code) : undefined;
  if (code === undefined || exhaustion.has(code)) throw err;
  return { reason: `it cannot be read (${code})`, isGone: leadsNowhere.has(code) };
}
