import { createFreshness, type SetVersion } from '#shared/bus/records/freshness.ts';
import type { Heartbeat } from '#shared/contracts/bus/heartbeat.ts';
import type { SnapshotSummary } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** Knows the managers whose rules nobody has confirmed for too long, as gateways do. */
export interface StaleManagers {
  heard(heartbeat: Heartbeat, applied: readonly SetVersion[]): void;
  /** Lists them for the summary; the times stay as they are first told, for each change is a write. */
  told(): Pick<SnapshotSummary, 'stale'>;
}

export function createStaleManagers({
  managers,
  staleAfterMs,
  clock,
}: {
  managers: readonly string[];
  staleAfterMs: number;
  clock: Pick<Clock, 'now' | 'monotonicMs'>;
}): StaleManagers {
  const freshness = createFreshness();
  const startedMs = clock.monotonicMs();
  const since = new Map<string, string>();
  const note = (manager: string): void => {
    const nowMs = clock.monotonicMs();
    const ageMs = freshness.ageMs(manager, nowMs);
    // Whoever was never heard was not heard since the start.
    const silentMs = Number.isFinite(ageMs) ? ageMs : nowMs - startedMs;
    if (silentMs <= staleAfterMs) since.delete(manager);
    else if (!since.has(manager)) since.set(manager, new Date(clock.now() - silentMs).toISOString());
  };
  return {
    heard: (heartbeat, applied) => freshness.heard(heartbeat, applied, clock.monotonicMs()),
    told: () => {
      for (const manager of managers) note(manager);
      const stale = Array.from(since, ([manager, time]) => ({ manager, since: time }));
      return stale.length === 0 ? {} : { stale };
    },
  };
}
