import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** So long a changed chain waits for the rules of a manager that is new in it, ms: reading them takes a tenth of it. */
const patienceMs = 5_000;
const lookIntervalMs = 50;

/** Changes the configuration of a gateway without asking a manager whose rules it has not read. */
interface ChainChange {
  /** A later call takes the place of one that still waits. */
  to(next: LatchkeyConfig): void;
  stop(): void;
}

/**
 * Reads the rules of managers that are new in a chain before it comes into force, and lets go of those that have left
 * it afterwards. A manager that has no rules holds the change up no longer than 5 s.
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
  let stopLooking = (): void => undefined;
  return {
    to(next) {
      stopLooking();
      const chain = current().chain;
      const beganMs = clock.monotonicMs();
      follow([...new Set([...chain, ...next.chain])]);
      const settle = (): void => {
        const isMissing = next.chain.some((manager) => !chain.includes(manager) && !isComplete(manager));
        if (isMissing && clock.monotonicMs() - beganMs < patienceMs) return;
        stopLooking();
        reconfigure(next);
        follow(current().chain);
      };
      stopLooking = clock.every(lookIntervalMs, settle);
      settle();
    },
    stop: () => stopLooking(),
  };
}
