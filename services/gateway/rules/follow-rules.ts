import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createFreshness, type SetVersion } from '#shared/bus/records/freshness.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import type { OpenValue } from '#shared/core/rules/index/sealed-value.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createRuleFeed } from './rule-feed.ts';

/** Describes what a gateway knows of one manager. */
export interface KnownManager {
  manager: string;
  complete: boolean;
  epoch: number;
  seq: number;
  ageMs: number;
}

/** Holds the rules in force, and how well they are known. */
export interface KnownRules {
  /** Gives admissions what holds at the moment, field by field. */
  rules: Rules;
  /** Gives the version of each manager's set in force. */
  applied(): SetVersion[];
  /** Tells whether a complete set of the manager is in force that can be applied. */
  isComplete(manager: string): boolean;
  /** Tells whether the manager's resolver was ever heard. */
  isHeard(manager: string): boolean;
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
  /** Gives the age of that snapshot, ms. */
  snapshotAgeMs: () => number | undefined;
  /** Gives the configuration in force. */
  config: () => LatchkeyConfig;
  open: OpenValue;
  clock: Clock;
  log: Logger;
  /** Called when a rule of the manager was refused. */
  onFault: (manager: string) => void;
}): KnownRules {
  const { config, open, clock, snapshotAgeMs } = options;
  const index = createRuleIndex({ open });
  const freshness = createFreshness();
  const { chain, limits } = config();
  const mostBytes = limits.managerMiB * 1_024 * 1_024;
  const feed = createRuleFeed({ ...options, managers: chain, mostBytes, index, freshness });
  const ageMs = (manager: string): number => freshness.ageMs(manager, clock.monotonicMs());
  const isHeard = (manager: string): boolean => Number.isFinite(ageMs(manager));
  /** A first recipe that was refused leaves rules that nobody can apply: this gateway should not be asked. */
  const isComplete = (manager: string): boolean =>
    feed.reader.isComplete(manager) && index.recipe(manager) !== undefined;
  return {
    rules: {
      index,
      get chain() {
        return config().chain;
      },
      get namespaces() {
        return config().k8s.namespaces;
      },
      get skippedContainers() {
        return config().gateway.skippedContainers;
      },
      ageMs: (manager) => (isHeard(manager) ? ageMs(manager) : (snapshotAgeMs() ?? Infinity)),
      isStale: (manager) => ageMs(manager) > config().gateway.staleAfterSeconds * 1_000,
    },
    applied: feed.reader.applied,
    isComplete,
    isHeard,
    describe: (manager) => ({
      manager,
      complete: isComplete(manager),
      ageMs: ageMs(manager),
      ...(feed.reader.applied().find(({ owner }) => owner === manager) ?? { epoch: 0, seq: 0 }),
    }),
    follow: feed.follow,
    stop: feed.stop,
  };
}
