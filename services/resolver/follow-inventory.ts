import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeats.ts';
import { createReader } from '#shared/bus/read/reader.ts';
import type { RecordChange } from '#shared/bus/read/staging.ts';
import { createFreshness } from '#shared/bus/records/freshness.ts';
import { inventoryBucket } from '#shared/contracts/bus/bucket.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { TurnQueue } from '#shared/runtime/turn-queue.ts';
import { followProvider } from './follow-provider.ts';
import type { PolledProvider } from './providers/open-provider.ts';
import type { RuleSet } from './rule-set.ts';

/** Knows what exists in a source. */
export interface Inventory {
  /** Returns how old the knowledge of the source is, ms; Infinity before there is any. */
  ageMs(): number;
  stop(): Promise<void>;
}

interface InventoryOptions {
  source: string;
  mostBytes: number;
  rules: RuleSet;
  log: Logger;
  clock: Clock;
}

/**
 * Follows the inventory of a closed manager into its rules.
 * @param options.polled the provider that is listed; without it discovery's inventory is read from the bus
 */
export function followInventory(
  bus: Bus,
  options: InventoryOptions & { polled: PolledProvider | undefined },
): Inventory {
  const { polled, rules } = options;
  if (polled === undefined) return followBus(bus, options);
  const work = new TurnQueue();
  const { overdueMs, stop } = followProvider(polled, {
    ...options,
    onList: async (changes) => {
      await work.run(rules.take(changes));
      rules.complete();
    },
  });
  return { ageMs: overdueMs, stop };
}

/** Follows what discovery publishes of a source. */
function followBus(bus: Bus, { source, mostBytes, rules, log, clock }: InventoryOptions): Inventory {
  const freshness = createFreshness();
  const work = new TurnQueue();
  /** Sets that are in force here, and not taken whole. */
  const untaken = new Set<{ sinceMs: number }>();
  const take = async (changes: Iterable<RecordChange>): Promise<void> => {
    const one = { sinceMs: clock.monotonicMs() };
    untaken.add(one);
    await work.run(rules.take(changes));
    untaken.delete(one);
  };
  const reader = createReader(bus, {
    bucket: inventoryBucket,
    owners: [source],
    mostBytes,
    log,
    clock,
    onApply: ({ changes }) => void take(changes).catch((err: unknown) => bus.fail(err)),
  });
  const ageMs = (): number => {
    const nowMs = clock.monotonicMs();
    const [oldest] = untaken;
    return Math.max(freshness.ageMs(source, nowMs), oldest === undefined ? 0 : nowMs - oldest.sinceMs);
  };
  const unsubscribe = subscribeHeartbeats(bus, 'discovery', (heartbeat) => {
    reader.confirm(heartbeat.applied);
    freshness.heard(heartbeat, reader.applied(), clock.monotonicMs());
    // An inventory without a live publisher may be old, for example from before `inventory: open`. Until discovery
    // confirms it, the rules published before this start stay in force.
    if (Number.isFinite(ageMs()) && untaken.size === 0) rules.complete();
  });
  return {
    ageMs,
    stop: async () => {
      unsubscribe();
      work.end();
      await reader.stop();
    },
  };
}
