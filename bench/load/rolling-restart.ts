import type { ServicePod } from '#test/cluster/kubelet.ts';
import type { RunningInstallation } from '#test/flows/running-installation.ts';

/** Shown of a gateway that did not end in order. */
const logLines = 5;

export const gatewaysOf = ({ cluster }: Pick<RunningInstallation, 'cluster'>): ServicePod[] =>
  cluster.services().filter(({ name }) => name.startsWith('gateway-'));

const replicaOf = ({ name }: ServicePod): number => Number(name.slice('gateway-'.length));

/**
 * Replaces every gateway as a Deployment with `maxUnavailable: 0, maxSurge: 1` does: a new one, and when that is ready
 * the end of an old one, which nobody waits for before the next. Resolves when all old ones have ended, with a line for
 * each that did not end in order.
 */
export async function rollingRestart(installation: Pick<RunningInstallation, 'cluster'>): Promise<string[]> {
  const old = gatewaysOf(installation);
  const ends: Promise<string[]>[] = [];
  let replica = Math.max(...old.map(replicaOf)) + 1;
  for (const gateway of old) {
    const successor = await installation.cluster.startService('gateway', { replica });
    await successor.untilReady();
    ends.push(endInOrder(gateway));
    replica += 1;
  }
  return (await Promise.all(ends)).flat();
}

async function endInOrder(gateway: ServicePod): Promise<string[]> {
  const { code, signal } = await gateway.stop('SIGTERM');
  if (code === 0) return [];
  const lines = (await gateway.readLog()).trimEnd().split('\n');
  return [`${gateway.name} ended with ${signal ?? code}; its log ends: ${lines.slice(-logLines).join(' ')}`];
}
