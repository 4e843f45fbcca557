import type { Bus } from '#shared/bus/link/bus.ts';
import { createPublisherElection } from '#shared/bus/link/publisher-election.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import { createPublisher } from '#shared/bus/publish/publisher.ts';
import { rulesConcern } from '#shared/config/latchkey-file.ts';
import { rulesBucket } from '#shared/contracts/bus/bucket.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { followInventory, type Inventory } from './follow-inventory.ts';
import { joinElection } from './join-election.ts';
import type { PolledProvider } from './providers/open-provider.ts';
import type { ResolvedManager } from './resolve-manager.ts';
import { notReadyReasons, type ResolverFacts, standbyRemarks } from './resolver-readiness.ts';
import { createRuleSet } from './rule-set.ts';

/** Holds what a resolver is made of beside its context. */
interface ResolverParts {
  bus: Bus;
  resolved: ResolvedManager;
  /** The provider that is listed for the inventory; undefined: discovery's is read from the bus. */
  polled: PolledProvider | undefined;
}

/**
 * Turns the inventory of one manager's source into that manager's rules, record by record. Of several processes of one
 * manager one publishes; the others do all but that, so that they can take over at once.
 */
export function createResolver(context: ServiceContext, parts: ResolverParts): ReadyService {
  const { config, clock } = context;
  const { bus, resolved, polled } = parts;
  const { manager } = resolved;
  const { name, source } = manager;
  const log = context.log.child({ manager: name });
  const { election, publisher } = createLedPublisher(context, bus, name);
  const rules = createRuleSet({ manager, config, publisher, log });
  const stops: (() => void | Promise<void>)[] = [];
  let inventory: Inventory | undefined;
  let isStopping = false;

  const facts = (): ResolverFacts => {
    const isPublisher = publisher.epoch() !== undefined;
    return {
      manager: name,
      source,
      isPolled: polled !== undefined,
      isStopping,
      isConnected: bus.connected(),
      isDeaf: !isPublisher && election.isDeaf(clock.monotonicMs()),
      isComplete: rules.isComplete(),
      isPublished: publisher.published() !== undefined,
      leader: isPublisher ? undefined : election.leader(),
    };
  };
  const heartbeats = startHeartbeats(bus, {
    sender: { service: 'resolver', uid: context.process.POD_UID, manager: name },
    clock,
    report: () => ({
      notReady: notReadyReasons(facts()),
      applied: [publisher.published() ?? []].flat(),
      epoch: publisher.epoch(),
      sourceAgeMs: Math.max(inventory?.ageMs() ?? 0, publisher.pendingMs()),
    }),
  });
  const replaceRecipe = (next: Manager): void => {
    if (next.source === source) rules.replaceRecipe(next.recipe(config));
    else context.end(exitCode.reconfigured, `the inventory of ${name} is that of ${next.source} now`);
  };

  return {
    notReady: () => notReadyReasons(facts()),
    remarks: () => standbyRemarks(facts()),
    concern: rulesConcern,
    start: async () => {
      const mostBytes = config.limits.managerMiB * 1_024 * 1_024;
      // An open manager trusts the request: there is no inventory to wait for.
      if (manager.recipe(config).inventory === 'open') rules.complete();
      else inventory = followInventory(bus, { source, mostBytes, polled, rules, log, clock });
      const { beat, stop } = heartbeats;
      const joined = joinElection(bus, { manager: name, election, publisher, clock, beat });
      stops.push(resolved.follow(replaceRecipe), joined, stop);
    },
    stop: async () => {
      isStopping = true;
      await inventory?.stop();
      for (const stop of stops) await stop();
      await publisher.stop();
      // The last heartbeat has no epoch, so that a standby need not wait for silence.
      heartbeats.beat();
      await bus.close();
    },
  };
}

/** Creates the publisher of a manager's rules, which claims their prefix when the election lets it. */
function createLedPublisher(context: ServiceContext, bus: Bus, manager: string) {
  const { clock } = context;
  const election = createPublisherElection(context.process.POD_UID);
  const publisher = createPublisher(bus, {
    bucket: rulesBucket,
    owner: manager,
    mostBytes: context.config.limits.managerMiB * 1_024 * 1_024,
    log: context.log.child({ manager }),
    clock,
    mayClaim: (currentEpoch) => election.mayClaim(currentEpoch, clock.monotonicMs()),
    onSuperseded: () => context.end(exitCode.superseded, `a newer resolver publishes ${manager}`),
  });
  return { election, publisher };
}
