import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import type { Reader } from '#shared/bus/read/reader.ts';
import { createFreshness, type SetVersion } from '#shared/bus/records/freshness.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createRuleFeed } from './rule-feed.ts';
import type { RuleSink } from './rule-sink.ts';

/** Describes what a gateway knows of one manager. */
export interface KnownManager {
  manager: string;
  complete: boolean;
  epoch: number;
  seq: number;
  ageMs: number;
}

/** Tells how well the rules in force are known. */
export interface KnownRules {
  /** Gives the version of each manager's set in force. */
  applied(): SetVersion[];
  /** Gives the version of each manager's set that was read, and its records. */
  read: Pick<Reader, 'delivered' | 'applied'>;
  /** Tells whether a complete set of the manager is in force that can be applied. */
  isComplete(manager: string): boolean;
  /** Tells whether the manager's resolver was ever heard. */
  isHeard(manager: string): boolean;
  /** Tells how long ago the manager's rules were last confirmed, ms; Infinity when never. */
  ageMs(manager: string): number;
  describe(manager: string): KnownManager;
  /** Follows these managers from now on; records of others cost nothing. */
  follow(managers: readonly string[]): void;
  stop(): Promise<void>;
}

/** Follows the rules on the bus, from a snapshot on. */
export function followRules(options: {
  bus: Bus;
  /** Stored records to begin with, from a snapshot. */
  initial: readonly BusRecord[];
  /** Where the rules go. */
  sink: RuleSink;
  /** Gives the configuration in force. */
  config: () => LatchkeyConfig;
  clock: Clock;
  log: Logger;
}): KnownRules {
  const { config, sink, clock } = options;
  const freshness = createFreshness();
  const { chain, limits } = config();
  const mostBytes = limits.managerMiB * 1_024 * 1_024;
  const feed = createRuleFeed({ ...options, managers: chain, mostBytes, freshness });
  const ageMs = (manager: string): number => freshness.ageMs(manager, clock.monotonicMs());
  const versionOf = (manager: string): SetVersion | undefined =>
    feed.applied().find(({ owner }) => owner === manager);
  /** A first recipe that was refused leaves rules that nobody can apply: this gateway should not be asked. */
  const isComplete = (manager: string): boolean => versionOf(manager) !== undefined && sink.isUsable(manager);
  return {
    applied: feed.applied,
    read: feed.reader,
    isComplete,
    isHeard: (manager) => Number.isFinite(ageMs(manager)),
    ageMs,
    describe: (manager) => ({
      manager,
      complete: isComplete(manager),
      ageMs: ageMs(manager),
      ...(versionOf(manager) ?? { epoch: 0, seq: 0 }),
    }),
    follow: feed.follow,
    stop: feed.stop,
  };
}
