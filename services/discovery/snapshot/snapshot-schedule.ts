import type { Clock } from '#shared/runtime/clock.ts';

/** Waits after a change, which rarely comes alone: managers are complete one after the other. */
const settleMs = 2_000;

/** Decides when the rules are stored. */
export interface SnapshotSchedule {
  /** Notes that the rules in force have changed. */
  changed(): void;
  /** Tells whether the rules are to be packed, or what is stored is to be checked. */
  isDue(): boolean;
  /** Returns how long rules in force have not been stored, ms; 0 while all are. */
  unsavedMs(): number;
  /**
   * Runs what packs, stores and checks; a failure leaves the change unsaved, for the next attempt.
   * @param store calls `packed` when it has made a new snapshot
   */
  run(store: (packed: () => void) => Promise<void>): Promise<void>;
}

/** @param intervalMs shortest time between two snapshots, and longest until a damaged one is repaired */
export function createSnapshotSchedule(
  clock: Pick<Clock, 'monotonicMs'>,
  intervalMs: number,
): SnapshotSchedule {
  let changedAtMs: number | undefined;
  let packedAtMs = -Infinity;
  let checkedAtMs = -Infinity;
  return {
    changed: () => {
      changedAtMs ??= clock.monotonicMs();
    },
    isDue: () => {
      const nowMs = clock.monotonicMs();
      if (nowMs - checkedAtMs >= intervalMs) return true;
      return changedAtMs !== undefined && nowMs - changedAtMs >= settleMs && nowMs - packedAtMs >= intervalMs;
    },
    unsavedMs: () => (changedAtMs === undefined ? 0 : clock.monotonicMs() - changedAtMs),
    run: async (store) => {
      const sinceMs = changedAtMs;
      changedAtMs = undefined;
      checkedAtMs = -Infinity;
      try {
        await store(() => {
          packedAtMs = clock.monotonicMs();
        });
        checkedAtMs = clock.monotonicMs();
      } catch (err) {
        changedAtMs = sinceMs;
        throw err;
      }
    },
  };
}
