import { type Heartbeat, heartbeatIntervalMs } from '#shared/contracts/heartbeat.ts';

/** A holder that was not heard for so long, two heartbeats missed, is succeeded. */
const silenceMs = 2.5 * heartbeatIntervalMs;
/** So long a newcomer listens for a holder before it takes a prefix that somebody has held. */
const firstListenMs = 2 * heartbeatIntervalMs;
const deafMs = 5 * heartbeatIntervalMs;

/**
 * Which of several processes that would publish one prefix does: the one that holds it, as long as it lives. A standby
 * claims it when the holder says goodbye or falls silent. Should two claim at once, compare-and-set lets one succeed,
 * and the other one sees the epoch rise; should two hold it, the higher epoch stays. All times are the own monotonic
 * clock's, ms.
 */
export interface Succession {
  /** Notes a heartbeat of this prefix's processes; one's own, coming back, proves that the others' would arrive. */
  heard(heartbeat: Pick<Heartbeat, 'uid' | 'epoch'>, nowMs: number): void;
  /** Notes that nothing could be heard until now. */
  connected(nowMs: number): void;
  /** Whether to claim the prefix now; `standing` is the epoch that is stored there. */
  mayClaim(standing: number | undefined, nowMs: number): boolean;
  /** Whether one's own heartbeats have not come back for so long that something keeps them away for good. */
  isDeaf(nowMs: number): boolean;
  /** Who holds the prefix, as last heard. */
  holder(): { uid: string; epoch: number } | undefined;
}

/** @param uid of this process's pod: a heartbeat with it is one's own */
export function createSuccession(uid: string): Succession {
  let holder: { uid: string; epoch: number } | undefined;
  /** The last sign that somebody holds the prefix; undefined = none since the start. */
  let signMs: number | undefined;
  let hasLeft = false;
  let listeningSinceMs = -Infinity;
  let echoMs = -Infinity;
  /** As last seen; undefined before the first look. */
  let standing: number | undefined;

  return {
    heard: (heartbeat, nowMs) => {
      if (heartbeat.uid === uid) {
        echoMs = nowMs;
        return;
      }
      const { epoch } = heartbeat;
      if (epoch === undefined) {
        // It leaves, or has been started again in the same pod.
        if (holder?.uid === heartbeat.uid) hasLeft = true;
      } else if (epoch >= Math.max(standing ?? 0, holder?.epoch ?? 0)) {
        holder = { uid: heartbeat.uid, epoch };
        signMs = nowMs;
        hasLeft = false;
      }
    },
    connected: (nowMs) => {
      listeningSinceMs = nowMs;
    },
    mayClaim: (stored, nowMs) => {
      const epoch = stored ?? 0;
      if (standing !== undefined && epoch > standing) {
        signMs = nowMs;
        hasLeft = false;
      }
      standing = epoch;
      if (hasLeft) return true;
      // A silence counts as far as one's own heartbeats came through it.
      if (signMs !== undefined) return echoMs - Math.max(signMs, listeningSinceMs) >= silenceMs;
      return stored === undefined || echoMs - listeningSinceMs >= firstListenMs;
    },
    isDeaf: (nowMs) => nowMs - Math.max(echoMs, listeningSinceMs) >= deafMs,
    holder: () => (hasLeft ? undefined : holder),
  };
}
