import { readFile } from 'node:fs/promises';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';

/** Clock ticks a second in /proc (sysconf(_SC_CLK_TCK), 100 on every Linux of today). */
const ticksPerSecond = 100;
/** Position of `starttime` after the program's name, which is in parentheses (proc_pid_stat(5), field 22). */
const startField = 19;
const readyTimeoutMs = 30_000;
const readyPollMs = 5;

/** For how long a process has run, ms, to 10 ms; by the kernel, so that nothing of the harness counts. */
async function processAgeMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const [uptimeSeconds = ''] = (await readFile('/proc/uptime', 'utf8')).split(' ');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(uptimeSeconds) * 1_000 - (Number(fields[startField]) * 1_000) / ticksPerSecond;
}

/** Waits until the process of the moment answers that it is ready; resolves with its age then, ms. */
export async function readyAgeMs({ name, ports, pid }: ServicePod): Promise<number> {
  const isReady = async () => (await fetch(`http://127.0.0.1:${ports.health}/readyz`)).ok;
  await waitFor(isReady, {
    timeoutMs: readyTimeoutMs,
    intervalMs: readyPollMs,
    what: `${name} to be ready`,
  });
  return processAgeMs(pid());
}
