import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeats.ts';
import { createReader, type Reader } from '#shared/bus/read/reader.ts';
import type { Freshness, SetVersion } from '#shared/bus/records/freshness.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { rulesBucket } from '#shared/contracts/bus/bucket.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { RuleSink } from './rule-sink.ts';

/** Keeps rules and their freshness up to date from the bus. */
interface RuleFeed {
  reader: Pick<Reader, 'delivered' | 'applied'>;
  /** Gives the version of each manager's set by which admissions are decided. */
  applied(): SetVersion[];
  /** Follows these managers from now on, and forgets the rules of others. */
  follow(managers: readonly string[]): void;
  stop(): Promise<void>;
}

export function createRuleFeed(options: {
  bus: Bus;
  /** Names the managers whose rules are followed at first. */
  managers: readonly string[];
  /** Limits what the rules of one manager may cost. */
  mostBytes: number;
  /** Stored records to begin with, from a snapshot. */
  initial: readonly BusRecord[];
  sink: RuleSink;
  freshness: Freshness;
  clock: Clock;
  log: Logger;
}): RuleFeed {
  const { bus, sink, freshness, clock } = options;
  let followed = options.managers;
  const reader = createReader(bus, {
    bucket: rulesBucket,
    owners: followed,
    mostBytes: options.mostBytes,
    keepsRecords: sink.readsAgain,
    initial: options.initial,
    log: options.log,
    clock,
    *prepare(set) {
      const putInForce = yield* sink.prepare(set);
      return () => {
        // Its manager may have left the chain meanwhile.
        if (followed.includes(set.owner)) putInForce();
      };
    },
  });
  const applied = (): SetVersion[] => sink.inForce(reader.applied());
  const unsubscribe = subscribeHeartbeats(bus, 'resolver', (heartbeat) => {
    reader.confirm(heartbeat.applied);
    freshness.heard(heartbeat, reader.applied(), clock.monotonicMs());
    sink.heard(heartbeat);
  });
  return {
    reader,
    applied,
    follow: (managers) => {
      reader.follow(managers);
      followed = managers;
      sink.keep(managers);
    },
    stop: async () => {
      unsubscribe();
      await reader.stop();
    },
  };
}
