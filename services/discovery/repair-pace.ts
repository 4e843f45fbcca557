import { backoffMs, kubernetesBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** Repairs in a row that are made at once. */
const promptRepairs = 3;
/** Where nothing was repaired for so long the count begins anew. */
const quietMs = 60_000;

/** How fast what somebody undoes again and again is put right: he is not raced, which would cost everybody's time. */
export interface RepairPace {
  /** How long the next repair has to wait, ms. */
  waitMs(namespace: string): number;
  /** Notes a repair; returns whether it is the first one after which the next has to wait. */
  repaired(namespace: string): boolean;
}

export function createRepairPace(clock: Pick<Clock, 'monotonicMs'>): RepairPace {
  const repairs = new Map<string, { count: number; atMs: number; nextAtMs: number }>();
  return {
    waitMs: (namespace) => Math.max(0, (repairs.get(namespace)?.nextAtMs ?? 0) - clock.monotonicMs()),
    repaired: (namespace) => {
      const nowMs = clock.monotonicMs();
      const last = repairs.get(namespace);
      const count = last === undefined || nowMs - last.atMs > quietMs ? 1 : last.count + 1;
      const delayMs = count < promptRepairs ? 0 : backoffMs(kubernetesBackoff, count - promptRepairs);
      repairs.set(namespace, { count, atMs: nowMs, nextAtMs: nowMs + delayMs });
      return count === promptRepairs;
    },
  };
}
