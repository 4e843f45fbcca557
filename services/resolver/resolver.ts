import type { Bus } from '#shared/bus/link/bus.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import { createSuccession } from '#shared/bus/link/succession.ts';
import { createPublisher } from '#shared/bus/publish/publisher.ts';
import { rulesConcern } from '#shared/config/latchkey-file.ts';
import { rulesBucket } from '#shared/contracts/bucket.ts';
import type { Manager } from '#shared/managers/manager.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import type { Inventory } from './bus-inventory.ts';
import type { ResolvedManager } from './custom-recipe.ts';
import { followInventory } from './inventory.ts';
import { joinSuccession } from './joined-succession.ts';
import type { PolledProvider } from './providers/registry.ts';
import { createRuleSet } from './rule-set.ts';

/**
 * Turns the inventory of one manager's source into that manager's rules, record by record. Of several processes of one
 * manager one publishes; the others do all but that, so that they can go on where it ends.
 * @param polled asked for the inventory; without it discovery's is read from the bus
 */
export function createResolver(
  context: ServiceContext,
  {
    bus,
    resolved: { manager, follow },
    polled,
  }: { bus: Bus; resolved: ResolvedManager; polled: PolledProvider | undefined },
): ReadyService {
  const { config, clock } = context;
  const { name, source } = manager;
  const mostBytes = config.limits.managerMiB * 1_024 * 1_024;
  const log = context.log.child({ manager: name });
  const uid = context.process.POD_UID;
  const succession = createSuccession(uid);
  const publisher = createPublisher(bus, {
    bucket: rulesBucket,
    owner: name,
    log,
    clock,
    mayClaim: (standing) => succession.mayClaim(standing, clock.monotonicMs()),
    onSuperseded: () => context.end(exitCode.superseded, `a newer resolver publishes ${name}`),
  });
  const rules = createRuleSet({ manager, config, publisher, log });
  const stops: (() => void | Promise<void>)[] = [];
  let inventory: Inventory | undefined;
  let stopping = false;

  const replaceRecipe = (next: Manager): void => {
    if (next.source === source) rules.replaceRecipe(next.recipe(config));
    else context.end(exitCode.reconfigured, `the inventory of ${name} is that of ${next.source} now`);
  };

  const missing =
    polled === undefined
      ? `no inventory of ${source} yet that is complete and that discovery vouches for`
      : `${name} has not been listed completely yet`;
  const standsBy = (): boolean => publisher.epoch() === undefined && succession.holder() !== undefined;
  const notPublished = (): string[] => {
    if (publisher.published() !== undefined || (standsBy() && rules.isComplete())) return [];
    return [rules.isComplete() ? `the rules of ${name} are not on the bus yet` : missing];
  };
  const isDeaf = (): boolean =>
    bus.connected() && publisher.epoch() === undefined && succession.isDeaf(clock.monotonicMs());
  const notReady = (): string[] => [
    ...(stopping ? ['the resolver is stopping'] : []),
    ...(bus.connected() ? [] : ['not connected to NATS']),
    ...(isDeaf()
      ? [
          `does not hear its own heartbeats on latchkey.heartbeat.resolver.${name}.*: check its NATS permissions`,
        ]
      : []),
    ...notPublished(),
  ];
  const remarks = (): string[] => {
    const holder = succession.holder();
    if (!standsBy() || holder === undefined) return [];
    return [`standby: the resolver in pod ${holder.uid} publishes ${name} with epoch ${holder.epoch}`];
  };
  const { beat, stop: stopHeartbeats } = startHeartbeats(bus, {
    sender: { service: 'resolver', uid, manager: name },
    clock,
    report: () => ({
      notReady: notReady(),
      applied: [publisher.published() ?? []].flat(),
      epoch: publisher.epoch(),
      sourceAgeMs: Math.max(inventory?.ageMs() ?? 0, publisher.pendingMs()),
    }),
  });
  return {
    notReady,
    remarks,
    concern: rulesConcern,
    start: async () => {
      // An open manager trusts the request: there is no inventory to wait for.
      if (manager.recipe(config).inventory === 'open') rules.complete();
      else inventory = followInventory(bus, { source, mostBytes, polled, rules, log, clock });
      stops.push(
        follow(replaceRecipe),
        joinSuccession(bus, { manager: name, succession, publisher, clock, beat }),
        stopHeartbeats,
      );
    },
    stop: async () => {
      stopping = true;
      await inventory?.stop();
      for (const stop of stops) await stop();
      await publisher.stop();
      // Says goodbye: without an epoch of its own, so that a standby need not wait for the silence.
      beat();
      await bus.close();
    },
  };
}
