import type { Bus } from '#shared/bus/bus.ts';
import { publishHeartbeat } from '#shared/bus/heartbeat-channel.ts';
import { createPublisher } from '#shared/bus/publisher.ts';
import { rulesBucket } from '#shared/contracts/bucket.ts';
import { heartbeatIntervalMs } from '#shared/contracts/heartbeat.ts';
import type { Manager } from '#shared/core/managers/manager.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { rulesConcern } from '#shared/runtime/latchkey-file.ts';
import type { ProgramContext, ReadyService } from '#shared/runtime/program.ts';
import { followBusInventory, type Inventory } from './bus-inventory.ts';
import type { ResolvedManager } from './custom-recipe.ts';
import { followProvider } from './provider-inventory.ts';
import type { PolledProvider } from './providers/registry.ts';
import { createRuleSet } from './rule-set.ts';

/**
 * Turns the inventory of one manager's source into that manager's rules, record by record.
 * @param polled asked for the inventory; without it discovery's is read from the bus
 */
export function createResolver(
  context: ProgramContext,
  bus: Bus,
  { manager, follow }: ResolvedManager,
  polled?: PolledProvider,
): ReadyService {
  const { config, clock } = context;
  const { name, source } = manager;
  const log = context.log.child({ manager: name });
  const publisher = createPublisher(bus, {
    bucket: rulesBucket,
    owner: name,
    log,
    clock,
    onSuperseded: () => context.end(exitCode.superseded, `a newer resolver publishes ${name}`),
  });
  const rules = createRuleSet({ manager, config, publisher, log });
  const stops: (() => void | Promise<void>)[] = [];
  let inventory: Inventory | undefined;

  const startInventory = (): Inventory | undefined => {
    if (manager.recipe(config).inventory === 'open') {
      // An open manager trusts the request: there is no inventory to wait for.
      rules.complete();
      return undefined;
    }
    if (polled === undefined) return followBusInventory(bus, { source, rules, log, clock });
    const followed = followProvider(polled, {
      source,
      log,
      clock,
      onList: (changes) => {
        rules.take(changes);
        rules.complete();
      },
    });
    return { ageMs: followed.overdueMs, stop: followed.stop };
  };
  const replaceRecipe = (next: Manager): void => {
    if (next.source === source) rules.replaceRecipe(next.recipe(config));
    else context.end(exitCode.reconfigured, `the inventory of ${name} is that of ${next.source} now`);
  };

  const missing =
    polled === undefined
      ? `no inventory of ${source} yet that is complete and that discovery vouches for`
      : `${name} has not been listed completely yet`;
  const notReady = (): string[] => [
    ...(bus.connected() ? [] : ['not connected to NATS']),
    ...(publisher.published() === undefined
      ? [rules.isComplete() ? `the rules of ${name} are not on the bus yet` : missing]
      : []),
  ];
  const beat = (): void =>
    publishHeartbeat(bus, {
      schema: 1,
      service: 'resolver',
      uid: context.process.POD_UID,
      manager: name,
      ready: notReady().length === 0,
      applied: [publisher.published() ?? []].flat(),
      sourceAgeMs: Math.min(
        Math.max(inventory?.ageMs() ?? 0, publisher.pendingMs()),
        Number.MAX_SAFE_INTEGER,
      ),
    });

  return {
    notReady,
    concern: rulesConcern,
    start: async () => {
      inventory = startInventory();
      stops.push(follow(replaceRecipe), clock.every(heartbeatIntervalMs, beat));
    },
    stop: async () => {
      await inventory?.stop();
      for (const stop of stops) await stop();
      await publisher.stop();
      await bus.close();
    },
  };
}
