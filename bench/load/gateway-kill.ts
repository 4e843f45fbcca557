import type { ServicePod } from '#test/cluster/kubelet.ts';
import type { BalancedConnection } from '#test/cluster/service-proxy.ts';
import { restart } from '#test/flows/restarted-service.ts';
import type { LoadFailure } from './admission-load.ts';

/** One gateway killed: when that was asked for, and when its process had ended. Times are Unix ms. */
export type Kill = { targetPort: number; killedAtMs: number; endedAtMs: number; noticeMs: number };

/** How long the balancer may take beyond its own delay: its process has other things to do, too. */
const slackMs = 500;

/**
 * Why a request failed. `in flight` = sent to the killed gateway before its process had ended; `on its connection` =
 * sent afterwards over a connection to it, whose end the client had not seen yet; `before it was noticed` = on a new
 * connection that the balancer still gave to it. Anything else is `unexplained`.
 */
export type KillVerdict = 'in flight' | 'on its connection' | 'before it was noticed' | 'unexplained';

export function killVerdict(
  failure: LoadFailure,
  connections: readonly BalancedConnection[],
  kills: readonly Kill[],
): KillVerdict {
  const { sentAtMs, failedAtMs, localPort } = failure;
  const connection = connections.findLast(
    ({ clientPort, atMs }) => clientPort === localPort && atMs <= failedAtMs + slackMs,
  );
  const kill = kills.findLast(({ killedAtMs }) => killedAtMs <= failedAtMs);
  if (connection === undefined || kill === undefined || connection.targetPort !== kill.targetPort) {
    return 'unexplained';
  }
  if (connection.atMs > kill.endedAtMs) {
    return connection.atMs <= kill.endedAtMs + kill.noticeMs + slackMs
      ? 'before it was noticed'
      : 'unexplained';
  }
  return sentAtMs <= kill.endedAtMs ? 'in flight' : 'on its connection';
}

/** Kills a gateway, and waits until the kubelet has started it again and it is ready. */
export async function killGateway(victim: ServicePod, noticeMs: number): Promise<Kill> {
  const killedAtMs = Date.now();
  let endedAtMs = killedAtMs;
  const ended = victim.run.process()?.exited.then(() => {
    endedAtMs = Date.now();
  });
  await Promise.all([ended, restart(victim, 'SIGKILL')]);
  return { targetPort: victim.ports.webhook, killedAtMs, endedAtMs, noticeMs };
}
