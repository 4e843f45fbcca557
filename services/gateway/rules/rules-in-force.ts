import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import type { RuleIndex } from '#shared/core/rules/index/rule-index.ts';

/** Gives admissions what holds at the moment, field by field. */
export function createRulesInForce(options: {
  index: RuleIndex;
  /** Gives the configuration in force. */
  config: () => Pick<LatchkeyConfig, 'chain' | 'k8s' | 'gateway'>;
  /** Tells how long ago the manager's rules were last confirmed, ms; Infinity when never. */
  ageMs: (manager: string) => number;
  /** Gives the age of the snapshot that the rules began with, ms. */
  snapshotAgeMs: () => number | undefined;
}): Rules {
  const { index, config, ageMs, snapshotAgeMs } = options;
  return {
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
    ageMs: (manager) => {
      const heardMs = ageMs(manager);
      return Number.isFinite(heardMs) ? heardMs : (snapshotAgeMs() ?? Infinity);
    },
    isStale: (manager) => ageMs(manager) > config().gateway.staleAfterSeconds * 1_000,
  };
}
