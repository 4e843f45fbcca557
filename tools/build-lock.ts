import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning } from './is-running.ts';

const pollIntervalMs = 500;
const touchIntervalMs = 5_000;
/** A holder that has not touched its lock for this long is gone, whatever machine or container it ran in. */
const staleAfterMs = 30_000;

/**
 * Runs `work` while holding the lock file at `path`, so that two builds of one program do not compile it twice.
 * A courtesy only: the result is moved into place by an atomic rename, which is what keeps it whole when two builders
 * meet after all (a lock judged dead wrongly, two containers on one cache).
 * `onWait` is called once with the holder's description when somebody else has it.
 */
export async function withBuildLock<T>(
  path: string,
  onWait: (holder: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const self = JSON.stringify({ host: hostname(), pid: process.pid });
  let announced = false;
  while (!(await tryCreate(path, self))) {
    const holder = await readHolder(path);
    if (holder === undefined || !holder.alive) {
      await rm(path, { force: true });
      continue;
    }
    if (!announced) onWait(holder.description);
    announced = true;
    await delay(pollIntervalMs);
  }
  const touch = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => undefined);
  }, touchIntervalMs);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    if ((await readFile(path, 'utf8').catch(() => '')) === self) await rm(path, { force: true });
  }
}

async function tryCreate(path: string, content: string): Promise<boolean> {
  try {
    await writeFile(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<{ alive: boolean; description: string } | undefined> {
  try {
    const [content, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const fresh = Date.now() - mtimeMs < staleAfterMs;
    // A file just created may still be empty: it has a holder, of whom nothing is known yet.
    if (content === '') return { alive: fresh, description: 'another process' };
    const { host, pid } = JSON.parse(content) as { host: string; pid: number };
    return {
      alive: fresh && (host !== hostname() || isRunning(pid)),
      description: `process ${pid} on ${host}`,
    };
  } catch {
    return undefined;
  }
}
