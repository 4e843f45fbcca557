import type { Cluster } from '#testkit/cluster/cluster.ts';
import type { BalancedConnection } from '#testkit/cluster/service-proxy.ts';
import { restart } from '#testkit/installation/until-restarted.ts';
import type { ServicePod } from '#testkit/kubelet/service-pod.ts';
import { waitFor } from '#testkit/processes/wait-for.ts';
import type { LoadFailure } from './admission-load.ts';

/**
 * One gateway killed: when that was asked for, when its process had ended, and when the balancer had learnt of it. Times
 * are Unix ms.
 */
export interface Kill {
  targetPort: number;
  killedAtMs: number;
  endedAtMs: number;
  noticedAtMs: number;
}

/** How long the client may take to see the end of a connection that the balancer has passed on: it has other things to do. */
const clientLagMs = 100;
/** The gateway is back after half a second or later. */
const noticePollMs = 5;
const noticeTimeoutMs = 30_000;

/**
 * Why a request failed. `in-flight` = sent to the killed gateway before its process had ended; `on-its-connection` =
 * sent afterwards over a connection to it, whose end had not reached the client; `before-notice` = on a new connection
 * that the balancer gave to it before it had learnt of the end. Anything else is `unexplained`.
 */
export type FailureCause = 'in-flight' | 'on-its-connection' | 'before-notice' | 'unexplained';

/** Finds out why a request failed, from the kills and the balancer's connections. */
export function failureCause(
  failure: LoadFailure,
  connections: readonly BalancedConnection[],
  kills: readonly Kill[],
): FailureCause {
  const { sentAtMs, failedAtMs, localPort } = failure;
  const connection = connections.findLast(
    ({ clientPort, atMs }) => clientPort === localPort && atMs <= failedAtMs,
  );
  const kill = kills.findLast(({ killedAtMs }) => killedAtMs <= failedAtMs);
  if (connection === undefined || kill === undefined || connection.targetPort !== kill.targetPort) {
    return 'unexplained';
  }
  if (connection.atMs > kill.endedAtMs) {
    return connection.atMs <= kill.noticedAtMs ? 'before-notice' : 'unexplained';
  }
  if (sentAtMs <= kill.endedAtMs) return 'in-flight';
  return sentAtMs <= (connection.endedAtMs ?? 0) + clientLagMs ? 'on-its-connection' : 'unexplained';
}

/** Kills a gateway, and waits until the kubelet has started it again and it is ready. */
export async function killGateway(
  { balancedTargets }: Pick<Cluster, 'balancedTargets'>,
  victim: ServicePod,
): Promise<Kill> {
  const targetPort = victim.ports.webhook;
  const killedAtMs = Date.now();
  const restarted = restart(victim, 'SIGKILL');
  const endedAtMs = await victim.run.process()?.exited.then(() => Date.now());
  const noticed = async (): Promise<number> => {
    await waitFor(() => !balancedTargets().includes(targetPort), {
      timeoutMs: noticeTimeoutMs,
      intervalMs: noticePollMs,
      what: `the balancer to learn of the end of ${victim.name}`,
    });
    return Date.now();
  };
  const [noticedAtMs] = await Promise.all([noticed(), restarted]);
  return { targetPort, killedAtMs, endedAtMs: endedAtMs ?? killedAtMs, noticedAtMs };
}
