import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createAmbiguityLog } from './ambiguity-log.ts';
import { type GlobalSecret, readGlobals } from './global-secrets.ts';

const pollIntervalMs = 1_000;

/**
 * Follows the global secrets that the operator mounted. `onChange` gets all of them, at first and after each change.
 * @returns a function that ends it
 */
export function watchGlobals(options: {
  config: LatchkeyConfig;
  environment: Record<string, string | undefined>;
  clock: Clock;
  log: Logger;
  onChange: (globals: readonly GlobalSecret[]) => void;
}): () => void {
  const { environment, clock, log } = options;
  const { envPrefix, dir } = options.config.global;
  const tellAmbiguous = createAmbiguityLog(options.config, log);
  let known: readonly GlobalSecret[] | undefined;
  const told = new Set<string>();
  const poll = async (): Promise<void> => {
    const globals = await readGlobals({ environment, envPrefix, dir, known, told, log });
    if (globals === undefined || isDeepStrictEqual(globals, known)) return;
    known = globals;
    log.info({ globals: globals.length }, 'global secrets read');
    tellAmbiguous(globals);
    options.onChange(globals);
  };
  void poll();
  return clock.every(pollIntervalMs, () => void poll());
}
