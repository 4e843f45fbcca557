import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createFreshness, type Position } from '#shared/bus/records/freshness.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { createRuleIndex } from '#shared/core/rules/rule-index.ts';
import type { OpenValue } from '#shared/core/rules/sealed-value.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createRuleFeed } from './rule-feed.ts';

/** The rules in force, and how well they are known. */
interface KnownRules {
  /** For admissions: each of its fields is what holds at the moment. */
  rules: Rules;
  /** Position of each manager's set in force. */
  applied(): Position[];
  /** Whether a complete set of the manager is in force that can be applied. */
  isComplete(manager: string): boolean;
  /** Whether its resolver was ever heard. */
  isHeard(manager: string): boolean;
  /** Age of what is known of the manager by its resolver's heartbeats, ms; Infinity when it was never heard. */
  ageMs(manager: string): number;
  /** Follows these managers from now on: records of others cost nothing. */
  follow(managers: readonly string[]): void;
  stop(): Promise<void>;
}

/** Follows the rules on the bus, from a snapshot on. */
export function followRules(options: {
  bus: Bus;
  /** Stored records to begin with, from a snapshot. */
  initial: readonly BusRecord[];
  /** Age of that snapshot, ms. */
  snapshotAgeMs: () => number | undefined;
  /** The configuration in force. */
  config: () => LatchkeyConfig;
  open: OpenValue;
  clock: Clock;
  log: Logger;
  /** A rule of the manager was refused. */
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
  return {
    rules: {
      index,
      get chain() {
        return config().chain;
      },
      get namespaces() {
        return config().k8s.namespaces;
      },
      ageMs: (manager) => (isHeard(manager) ? ageMs(manager) : (snapshotAgeMs() ?? Infinity)),
      isStale: (manager) => ageMs(manager) > config().gateway.staleAfterSeconds * 1_000,
    },
    applied: feed.reader.applied,
    /** A first recipe that was refused leaves rules that nobody can apply: this gateway should not be asked. */
    isComplete: (manager) => feed.reader.isComplete(manager) && index.recipe(manager) !== undefined,
    isHeard,
    ageMs,
    follow: feed.follow,
    stop: feed.stop,
  };
}
