import type { BalancedConnection } from '#test/cluster/service-proxy.ts';
import type { LoadFailure } from './admission-load.ts';

/** One gateway killed; times are Unix ms. */
export type Kill = { targetPort: number; killedAtMs: number; noticeMs: number };

/** How long the balancer may take beyond its own delay: its process has other things to do, too. */
const slackMs = 500;

/**
 * Why a request failed. `in flight` = sent before the kill to the gateway that was killed; `on its connection` = sent
 * afterwards over a connection to it, whose end the client had not seen yet; `before it was noticed` = on a new
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
  if (connection.atMs > kill.killedAtMs) {
    return connection.atMs <= kill.killedAtMs + kill.noticeMs + slackMs
      ? 'before it was noticed'
      : 'unexplained';
  }
  return sentAtMs <= kill.killedAtMs ? 'in flight' : 'on its connection';
}
