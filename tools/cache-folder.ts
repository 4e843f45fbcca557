import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Where built programs are kept, outside any checkout: `LATCHKEY_CACHE`, else `latchkey` in the user's cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  if (env.LATCHKEY_CACHE) return resolve(env.LATCHKEY_CACHE);
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'latchkey');
}
