import { readyAgeMs } from '#testkit/installation/ready-age.ts';
import type { RunningInstallation } from '#testkit/installation/running-installation.ts';
import { untilSnapshotHolds } from '#testkit/installation/stored-snapshot.ts';
import { gatewaysOf } from './rolling-restart.ts';

/** Beyond the replicas that a rolling restart counts up. */
const firstReplica = 1_000;

/**
 * Starts gateways one after the other while the bus is away and nothing is asked of anybody. Resolves with the age of each
 * one's process when it was ready, from the snapshot, ms; the bus is back then.
 */
export async function startWithoutBus(
  { cluster }: Pick<RunningInstallation, 'cluster'>,
  count: number,
): Promise<number[]> {
  for (const gateway of gatewaysOf({ cluster })) await untilSnapshotHolds(cluster, gateway);
  await cluster.nats.kill9();
  const agesMs: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const newcomer = await cluster.startService('gateway', { replica: firstReplica + index });
    agesMs.push(Math.round(await readyAgeMs(newcomer)));
    await newcomer.stop('SIGKILL');
  }
  await cluster.nats.start();
  return agesMs;
}
