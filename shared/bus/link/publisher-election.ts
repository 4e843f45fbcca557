import { type Heartbeat, heartbeatIntervalMs } from '#shared/contracts/bus/heartbeat.ts';

/** Silence after which a leader is replaced, ms: two heartbeats missed. */
const silenceMs = 2.5 * heartbeatIntervalMs;
/** Time that a newcomer listens for a leader before it claims a prefix that was published before, ms. */
const firstListenMs = 2 * heartbeatIntervalMs;
/** Silence of one's own heartbeats after which something keeps them away for good, ms. */
const deafMs = 5 * heartbeatIntervalMs;

/**
 * Decides which of several processes publishes a prefix: the leader, as long as it lives. A standby claims the prefix
 * when the leader says goodbye or falls silent. Should two claim at once, compare-and-set lets one succeed, and the other
 * one sees the epoch rise; should two publish, the higher epoch stays. All times are the own monotonic clock's, ms.
 */
export interface PublisherElection {
  /** Takes a heartbeat of this prefix's processes; one's own, coming back, proves that the others' would arrive. */
  heard(heartbeat: Pick<Heartbeat, 'uid' | 'epoch'>, nowMs: number): void;
  /** Takes note that nothing could be heard until now. */
  connected(nowMs: number): void;
  /** Tells whether to claim the prefix now; `storedEpoch` is that of its manifest. */
  mayClaim(storedEpoch: number | undefined, nowMs: number): boolean;
  /** Tells whether one's own heartbeats have not come back for so long that something keeps them away for good. */
  isDeaf(nowMs: number): boolean;
  /** Returns who publishes the prefix, as last heard. */
  leader(): { uid: string; epoch: number } | undefined;
}

/** @param uid of this process's pod: a heartbeat with it is one's own */
export function createPublisherElection(uid: string): PublisherElection {
  let leader: { uid: string; epoch: number } | undefined;
  /** The last sign of a leader; undefined = none since the start. */
  let signMs: number | undefined;
  let hasLeft = false;
  let listeningSinceMs = -Infinity;
  let echoMs = -Infinity;
  /** As stored when it was last asked; undefined before. */
  let currentEpoch: number | undefined;

  return {
    heard: (heartbeat, nowMs) => {
      if (heartbeat.uid === uid) {
        echoMs = nowMs;
        return;
      }
      const { epoch } = heartbeat;
      if (epoch === undefined) {
        // It leaves, or has been started again in the same pod.
        if (leader?.uid === heartbeat.uid) hasLeft = true;
      } else if (epoch >= Math.max(currentEpoch ?? 0, leader?.epoch ?? 0)) {
        leader = { uid: heartbeat.uid, epoch };
        signMs = nowMs;
        hasLeft = false;
      }
    },
    connected: (nowMs) => {
      listeningSinceMs = nowMs;
    },
    mayClaim: (storedEpoch, nowMs) => {
      const epoch = storedEpoch ?? 0;
      if (currentEpoch !== undefined && epoch > currentEpoch) {
        signMs = nowMs;
        hasLeft = false;
      }
      currentEpoch = epoch;
      if (hasLeft) return true;
      // A silence counts as far as one's own heartbeats came through it.
      if (signMs !== undefined) return echoMs - Math.max(signMs, listeningSinceMs) >= silenceMs;
      return storedEpoch === undefined || echoMs - listeningSinceMs >= firstListenMs;
    },
    isDeaf: (nowMs) => nowMs - Math.max(echoMs, listeningSinceMs) >= deafMs,
    leader: () => (hasLeft ? undefined : leader),
  };
}
