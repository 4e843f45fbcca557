import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** Time that a changed chain waits for the rules of a manager that is new in it, ms: reading them takes a tenth of it. */
const patienceMs = 5_000;
const checkIntervalMs = 50;

/** Changes the configuration of a gateway without asking a manager whose rules it has not read. */
interface ChainChange {
  /** Changes to a configuration, in place of a change that still waits. */
  to(next: LatchkeyConfig): void;
  stop(): void;
}

/**
 * Reads the rules of managers that are new in a chain before it comes into force, and forgets those that have left it
 * afterwards. A manager without rules delays the change by 5 s at most.
 */
export function createChainChange(options: {
  current: () => LatchkeyConfig;
  /** Takes a configuration into use, or refuses it. */
  reconfigure: (next: LatchkeyConfig) => void;
  /** Reads the rules of these managers, and of no others. */
  follow: (managers: readonly string[]) => void;
  isComplete: (manager: string) => boolean;
  clock: Pick<Clock, 'every' | 'monotonicMs'>;
}): ChainChange {
  const { current, reconfigure, follow, isComplete, clock } = options;
  let stopChecks = (): void => undefined;
  return {
    to(next) {
      stopChecks();
      const chain = current().chain;
      const beganMs = clock.monotonicMs();
      follow([...new Set([...chain, ...next.chain])]);
      const settle = (): void => {
        const isMissing = next.chain.some((manager) => !chain.includes(manager) && !isComplete(manager));
        if (isMissing && clock.monotonicMs() - beganMs < patienceMs) return;
        stopChecks();
        reconfigure(next);
        follow(current().chain);
      };
      stopChecks = clock.every(checkIntervalMs, settle);
      settle();
    },
    stop: () => stopChecks(),
  };
}
