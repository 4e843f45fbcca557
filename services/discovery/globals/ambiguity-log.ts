import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import { lookupReadings } from '#shared/core/rules/template/lookup-readings.ts';
import { managers } from '#shared/managers/shipped/managers.ts';

/**
 * Logs each global variable whose name is that of several secrets, once while it exists: a task that asks for either gets
 * it. Where a rule of the policy keeps it, that is a warning, since the rule may be meant for the other one.
 */
export function createAmbiguityLog(
  config: LatchkeyConfig,
  log: Logger,
): (globals: readonly { name: string }[]) => void {
  const { names, policy } = compileRecipe(managers.get('global')?.recipe(config));
  let told = new Set<string>();
  return (globals) => {
    const current = new Set(globals.map(({ name }) => name));
    for (const global of current) {
      const readings = told.has(global) ? [] : lookupReadings(names, global);
      if (readings.length < 2) continue;
      const reservedBy = policy?.reservedBy(global);
      if (reservedBy === undefined)
        log.info({ global, readings }, 'this variable is the name of several secrets');
      else
        log.warn(
          { global, readings, reservedBy },
          'this variable is the name of several secrets, all kept by one rule',
        );
    }
    told = current;
  };
}
