import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { removeCgroups } from './remove-cgroups.ts';

/**
 * Outlives the test process by a moment, whatever ends that (return, crash, Ctrl-C, kill -9): when its standard input
 * closes, it kills every process group it was told of, removes their cgroups and the folder given as its argument.
 * Lines on standard input: `+<pid>` a group to kill, `-<pid>` one that has ended, `c<name>` a cgroup to remove.
 */
const folder = process.argv[2];
const groups = new Set<number>();
const cgroups: string[] = [];
for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('c')) cgroups.push(line.slice(1));
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) groups.add(pid);
  else if (line.startsWith('-')) groups.delete(pid);
}
for (const pid of groups) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in the same moment.
  }
}
for (const cgroup of cgroups) await removeCgroups(cgroup);
if (folder !== undefined) await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
