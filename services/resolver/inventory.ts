import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { followBusInventory, type Inventory } from './bus-inventory.ts';
import { followProvider } from './provider-inventory.ts';
import type { PolledProvider } from './providers/registry.ts';
import type { RuleSet } from './rule-set.ts';

/**
 * Follows the inventory of a closed manager into its rules.
 * @param options.polled asked for it; without it discovery's is read from the bus
 */
export function followInventory(
  bus: Bus,
  options: {
    source: string;
    mostBytes: number;
    polled: PolledProvider | undefined;
    rules: RuleSet;
    log: Logger;
    clock: Clock;
  },
): Inventory {
  const { polled, rules } = options;
  if (polled === undefined) return followBusInventory(bus, options);
  const { overdueMs, stop } = followProvider(polled, {
    ...options,
    onList: (changes) => {
      rules.take(changes);
      rules.complete();
    },
  });
  return { ageMs: overdueMs, stop };
}
