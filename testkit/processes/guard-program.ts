import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/**
 * Outlives the test process by a moment, whatever ends that (return, crash, Ctrl-C, kill -9): when its standard input
 * closes, it kills every process group it was told of and removes the folder given as its argument.
 * Lines on standard input: `+<pid>` a group to kill, `-<pid>` one that has ended.
 */
const folder = process.argv[2];
const groups = new Set<number>();
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) groups.add(pid);
  else groups.delete(pid);
}
for (const pid of groups) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in the same moment.
  }
}
if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
