import { readdir, readlink } from 'node:fs/promises';
import { processUsage } from '#bench/process-usage.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import type { GuardedProcess } from '#testkit/processes/guarded-process.ts';
import type { Sample } from './trend.ts';

/** What a process may leak: resident memory in MiB, open files, and those of them that are sockets. */
export const leaks = ['memory MiB', 'handles', 'connections'] as const;

/** Shown of a process that ended. */
const logLines = 5;

/** A service that is not to end, and what it held at each look. */
export interface WatchedProcess {
  name: string;
  samples: Readonly<Record<(typeof leaks)[number], Sample[]>>;
  /** Looks once. @throws Error when its process has ended meanwhile */
  look(atMs: number): Promise<void>;
}

export function watchProcess(pod: ServicePod): WatchedProcess {
  const { name } = pod;
  const process = pod.run.process();
  if (process === undefined) throw new Error(`${name} does not run`);
  const { pid } = process;
  const { residentMib } = processUsage(pid);
  const samples: WatchedProcess['samples'] = { 'memory MiB': [], handles: [], connections: [] };
  return {
    name,
    samples,
    look: async (atMs) => {
      if (!process.isRunning()) throw new Error(await describeEnd(name, process));
      const files = await openFiles(pid);
      const values = {
        'memory MiB': await residentMib(),
        handles: files.length,
        connections: files.filter((target) => target.startsWith('socket:')).length,
      };
      for (const leak of leaks) samples[leak].push({ atMs, value: values[leak] });
    },
  };
}

async function describeEnd(name: string, { exited, readLog }: GuardedProcess): Promise<string> {
  const { code, signal } = await exited;
  const lines = (await readLog()).trimEnd().split('\n').slice(-logLines);
  return `${name}, which nobody ended, has ended with ${signal ?? code}; its log ends:\n${lines.join('\n')}`;
}

/** What the file descriptors of a process lead to; one that closes meanwhile is left out. */
async function openFiles(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all(
    (await readdir(folder)).map((descriptor) => readlink(`${folder}/${descriptor}`).catch(() => undefined)),
  );
  return targets.filter((target) => target !== undefined);
}
