import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import { restartReasons } from './readiness.ts';

/** The configuration that a gateway uses, which changes while it runs. */
interface ConfigurationInForce {
  current(): LatchkeyConfig;
  /**
   * Takes a changed one into use as a whole, or not at all: inline delivery may have been allowed because of the client
   * certificates.
   */
  reconfigure(next: LatchkeyConfig): void;
  /** Why a changed one waits for a restart, one sentence each. */
  remarks(): readonly string[];
}

/** @param begun with which the process started: what cannot change while it runs is compared with that */
export function holdConfiguration(begun: LatchkeyConfig, log: Logger): ConfigurationInForce {
  let current = begun;
  let remarks: readonly string[] = [];
  return {
    current: () => current,
    reconfigure: (next) => {
      remarks = restartReasons(begun, next);
      for (const reason of remarks) log.error(reason);
      if (remarks.length === 0) current = next;
    },
    remarks: () => remarks,
  };
}
