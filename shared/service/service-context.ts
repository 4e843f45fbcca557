import type { Logger } from 'pino';
import type { ProcessConfig } from '#shared/config/process-config.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** Holds what every service gets from its process. */
export interface ServiceContext {
  process: ProcessConfig;
  config: LatchkeyConfig;
  log: Logger;
  clock: Clock;
  /** Stops the process in order, with an exit code of its own. */
  end(code: number, why: string): void;
}
