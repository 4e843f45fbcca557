import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes files by name into a folder; only root reads them. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  const write = ([name, text]: [string, string]) => writeFile(join(folder, name), text, { mode: 0o600 });
  await Promise.all(Object.entries(files).map(write));
}
