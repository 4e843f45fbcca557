import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createPublisherElection, type PublisherElection } from '#shared/bus/link/publisher-election.ts';
import { type Heartbeats, startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import { createPublisher, type Publisher } from '#shared/bus/publish/publisher.ts';
import { rulesConcern } from '#shared/config/latchkey-file.ts';
import { rulesBucket } from '#shared/contracts/bus/bucket.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import type { ServiceContext } from '#shared/service/service-context.ts';
import { followInventory, type Inventory } from './follow-inventory.ts';
import { joinElection } from './join-election.ts';
import { notReadyReasons, type ResolverFacts, standbyRemarks } from './not-ready-reasons.ts';
import type { PolledProvider } from './providers/open-provider.ts';
import type { ResolvedManager } from './resolve-manager.ts';
import { createRuleSet, type RuleSet } from './rule-set.ts';

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
export const createResolver = (context: ServiceContext, parts: ResolverParts): ReadyService =>
  new Resolver(context, parts);

class Resolver implements ReadyService {
  readonly concern = rulesConcern;
  readonly #context: ServiceContext;
  readonly #parts: ResolverParts;
  readonly #log: Logger;
  readonly #election: PublisherElection;
  readonly #publisher: Publisher;
  readonly #rules: RuleSet;
  readonly #heartbeats: Heartbeats;
  readonly #stops: (() => void | Promise<void>)[] = [];
  #inventory: Inventory | undefined;
  #isStopping = false;

  constructor(context: ServiceContext, parts: ResolverParts) {
    const { manager } = parts.resolved;
    this.#context = context;
    this.#parts = parts;
    this.#log = context.log.child({ manager: manager.name });
    const { election, publisher } = createLedPublisher(context, parts.bus, manager.name);
    this.#election = election;
    this.#publisher = publisher;
    this.#rules = createRuleSet({ manager, config: context.config, publisher, log: this.#log });
    this.#heartbeats = this.#sendHeartbeats();
  }

  notReady(): string[] {
    return notReadyReasons(this.#facts());
  }

  remarks(): string[] {
    return standbyRemarks(this.#facts());
  }

  async start(): Promise<void> {
    const { bus, resolved, polled } = this.#parts;
    const { config, clock } = this.#context;
    const { manager } = resolved;
    const [rules, log] = [this.#rules, this.#log];
    // An open manager trusts the request: there is no inventory to wait for.
    if (manager.recipe(config).inventory === 'open') rules.complete();
    else {
      const { source } = manager;
      const mostBytes = config.limits.managerMiB * 1_024 * 1_024;
      this.#inventory = followInventory(bus, { source, mostBytes, polled, rules, log, clock });
    }
    const { beat, stop } = this.#heartbeats;
    const [election, publisher] = [this.#election, this.#publisher];
    const joined = joinElection(bus, { manager: manager.name, election, publisher, clock, beat });
    this.#stops.push(
      resolved.follow((next) => this.#replaceRecipe(next)),
      joined,
      stop,
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#inventory?.stop();
    for (const stop of this.#stops) await stop();
    await this.#publisher.stop();
    // The last heartbeat has no epoch, so that a standby need not wait for silence.
    this.#heartbeats.beat();
    await this.#parts.bus.close();
  }

  #facts(): ResolverFacts {
    const { bus, resolved, polled } = this.#parts;
    const { name, source } = resolved.manager;
    const isPublisher = this.#publisher.epoch() !== undefined;
    return {
      manager: name,
      source,
      isPolled: polled !== undefined,
      isStopping: this.#isStopping,
      isConnected: bus.connected(),
      isDeaf: !isPublisher && this.#election.isDeaf(this.#context.clock.monotonicMs()),
      isComplete: this.#rules.isComplete(),
      isPublished: this.#publisher.published() !== undefined,
      leader: isPublisher ? undefined : this.#election.leader(),
    };
  }

  #sendHeartbeats(): Heartbeats {
    const { process, clock } = this.#context;
    const manager = this.#parts.resolved.manager.name;
    return startHeartbeats(this.#parts.bus, {
      sender: { service: 'resolver', uid: process.POD_UID, manager },
      clock,
      report: () => ({
        notReady: this.notReady(),
        applied: [this.#publisher.published() ?? []].flat(),
        epoch: this.#publisher.epoch(),
        sourceAgeMs: Math.max(this.#inventory?.ageMs() ?? 0, this.#publisher.pendingMs()),
      }),
    });
  }

  #replaceRecipe(next: Manager): void {
    const context = this.#context;
    const { name, source } = this.#parts.resolved.manager;
    if (next.source === source) this.#rules.replaceRecipe(next.recipe(context.config));
    else context.end(exitCode.reconfigured, `the inventory of ${name} is that of ${next.source} now`);
  }
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
