import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeat-channel.ts';
import { createReader } from '#shared/bus/read/reader.ts';
import { createFreshness } from '#shared/bus/records/freshness.ts';
import { inventoryBucket } from '#shared/contracts/bucket.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { RuleSet } from './rule-set.ts';

/** Where the facts of a rule set come from. */
export interface Inventory {
  /** How old what is known of the source is, ms; Infinity before it is known. */
  ageMs(): number;
  stop(): Promise<void>;
}

/** Follows what discovery publishes of a source. */
export function followBusInventory(
  bus: Bus,
  options: { source: string; mostBytes: number; rules: RuleSet; log: Logger; clock: Clock },
): Inventory {
  const { source, mostBytes, rules, log, clock } = options;
  const freshness = createFreshness();
  const reader = createReader(bus, {
    bucket: inventoryBucket,
    owners: [source],
    mostBytes,
    log,
    clock,
    onApply: ({ changes }) => rules.take(changes),
  });
  const ageMs = (): number => freshness.ageMs(source, clock.monotonicMs());
  const unsubscribe = subscribeHeartbeats(bus, 'discovery', (heartbeat) => {
    reader.confirm(heartbeat.applied);
    freshness.heard(heartbeat, reader.applied(), clock.monotonicMs());
    // A complete inventory of nobody alive may be from long ago, for example from before `inventory: open`: until
    // discovery confirms it, the rules published before this start stay in force.
    if (Number.isFinite(ageMs())) rules.complete();
  });
  return {
    ageMs,
    stop: async () => {
      unsubscribe();
      await reader.stop();
    },
  };
}
