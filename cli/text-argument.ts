import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type ErrorCode, LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Terminal } from './command.ts';

/** The text of a file argument, `-` for stdin. @throws the given code when it cannot be read */
export async function readTextArgument(file: string, { input }: Terminal, code: ErrorCode): Promise<string> {
  if (file === '-') return text(input);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    throw new LatchkeyError(code, `${file} cannot be read: ${why}`, { cause });
  }
}
