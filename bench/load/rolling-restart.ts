import type { Exit } from '#test/cluster/guarded-process.ts';
import type { ServicePod } from '#test/cluster/kubelet.ts';
import type { RunningInstallation } from '#test/flows/running-installation.ts';

export const gatewaysOf = ({ cluster }: Pick<RunningInstallation, 'cluster'>): ServicePod[] =>
  cluster.services().filter(({ name }) => name.startsWith('gateway-'));

const replicaOf = ({ name }: ServicePod): number => Number(name.slice('gateway-'.length));

/**
 * Replaces every gateway as a Deployment with `maxUnavailable: 0, maxSurge: 1` does: a new one, and when that is ready
 * the end of an old one, which nobody waits for before the next. Resolves with how the old ones ended.
 */
export async function rollingRestart(installation: Pick<RunningInstallation, 'cluster'>): Promise<Exit[]> {
  const old = gatewaysOf(installation);
  const ends: Promise<Exit>[] = [];
  let replica = Math.max(...old.map(replicaOf)) + 1;
  for (const gateway of old) {
    const successor = await installation.cluster.startService('gateway', { replica });
    await successor.untilReady();
    ends.push(gateway.stop('SIGTERM'));
    replica += 1;
  }
  return Promise.all(ends);
}
