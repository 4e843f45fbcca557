import { readyAgeMs } from '#testkit/installation/ready-age.ts';
import type { RunningInstallation } from '#testkit/installation/running-installation.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';

/** Shown of a gateway that did not end in order. */
const logLines = 5;

export const gatewaysOf = ({ cluster }: Pick<RunningInstallation, 'cluster'>): ServicePod[] =>
  cluster.services().filter(({ name }) => name.startsWith('gateway-'));

const replicaOf = ({ name }: ServicePod): number => Number(name.slice('gateway-'.length));

/** How a rolling restart went: a line for each gateway that did not end in order, and the age of each new one when it was ready. */
export interface RollingRestart {
  unclean: string[];
  readyMs: number[];
}

/**
 * Replaces every gateway as a Deployment with `maxUnavailable: 0, maxSurge: 1` does: a new one, and when that is ready
 * the end of an old one, which nobody waits for before the next. Resolves when all old ones have ended.
 */
export async function rollingRestart({
  cluster,
}: Pick<RunningInstallation, 'cluster'>): Promise<RollingRestart> {
  const old = gatewaysOf({ cluster });
  const ends: Promise<string[]>[] = [];
  const readyMs: number[] = [];
  let replica = Math.max(...old.map(replicaOf)) + 1;
  for (const gateway of old) {
    const successor = await cluster.startService('gateway', { replica });
    readyMs.push(Math.round(await readyAgeMs(successor)));
    await successor.untilReady();
    ends.push(endInOrder(gateway));
    replica += 1;
  }
  return { unclean: (await Promise.all(ends)).flat(), readyMs };
}

async function endInOrder(gateway: ServicePod): Promise<string[]> {
  const { code, signal } = await gateway.stop('SIGTERM');
  if (code === 0) return [];
  const lines = (await gateway.readLog()).trimEnd().split('\n');
  return [`${gateway.name} ended with ${signal ?? code}; its log ends: ${lines.slice(-logLines).join(' ')}`];
}
