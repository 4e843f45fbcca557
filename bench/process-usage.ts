import { readFile } from 'node:fs/promises';

/** What a process uses, as Linux tells. */
export interface ProcessUsage {
  /** Resident memory now, MiB. */
  residentMib(): Promise<number>;
  /** Processor time it has used, s. */
  cpuSeconds(): Promise<number>;
}

/** The same of several together. */
export function usageOfAll(pids: readonly number[]): ProcessUsage {
  const usages = pids.map(processUsage);
  const sumOf = async (figures: readonly Promise<number>[]): Promise<number> =>
    (await Promise.all(figures)).reduce((sum, figure) => sum + figure, 0);
  return {
    residentMib: () => sumOf(usages.map((usage) => usage.residentMib())),
    cpuSeconds: () => sumOf(usages.map((usage) => usage.cpuSeconds())),
  };
}

/** USER_HZ of Linux, in which /proc counts. */
const clockTicksPerSecond = 100;

export const processUsage = (pid: number): ProcessUsage => ({
  residentMib: async () => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Math.round(Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1_024);
  },
  cpuSeconds: async () => {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
  },
});
