import { SpanKind, trace } from '@opentelemetry/api';
import type { Bus } from '#shared/bus/bus.ts';
import { publishHeartbeat, subscribeHeartbeats } from '#shared/bus/heartbeat-channel.ts';
import { createPublisher } from '#shared/bus/publisher.ts';
import { createReader } from '#shared/bus/reader.ts';
import type { Swap } from '#shared/bus/staging.ts';
import { formatKey, inventoryBucket, rulesBucket } from '#shared/contracts/bucket.ts';
import { heartbeatIntervalMs } from '#shared/contracts/heartbeat.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { createFreshness } from '#shared/runtime/freshness.ts';
import { rulesConcern } from '#shared/runtime/latchkey-file.ts';
import type { ProgramContext, ReadyService } from '#shared/runtime/program.ts';
import { carrierFrom, contextFrom, type TraceCarrier } from '#shared/runtime/trace-carrier.ts';
import type { ResolvedManager } from './custom-recipe.ts';
import { followProvider } from './provider-inventory.ts';
import type { PolledProvider } from './providers/registry.ts';
import { ruleRecord } from './rule-record.ts';

type Desired = Map<string, { value: unknown; trace: TraceCarrier }>;

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
  const log = context.log.child({ manager: manager.name });
  const tracer = trace.getTracer('latchkey');
  const freshness = createFreshness();
  const recipe = manager.recipe(config);
  const publisher = createPublisher(bus, {
    bucket: rulesBucket,
    owner: manager.name,
    log,
    clock,
    onSuperseded: () => context.end(exitCode.superseded, `a newer resolver publishes ${manager.name}`),
  });
  const desired: Desired = new Map();
  const recipeKey = formatKey({ owner: manager.name, kind: 'recipe' });
  desired.set(recipeKey, { value: recipe, trace: {} });
  let handedOver = false;

  const take = (change: Swap['changes'][number]): void => {
    const attributes = { 'latchkey.manager': manager.name, 'latchkey.key': formatKey(change.key) };
    const span = tracer.startSpan(
      'resolve rule',
      { kind: SpanKind.CONSUMER, attributes },
      contextFrom(change),
    );
    const carrier = carrierFrom(trace.setSpan(contextFrom(change), span));
    try {
      const record = ruleRecord(manager, config, change);
      if (record === undefined) return;
      if (record.value === undefined) desired.delete(record.key);
      else desired.set(record.key, { value: record.value, trace: carrier });
      if (!handedOver) return;
      if (record.value === undefined) publisher.remove(record.key, carrier);
      else publisher.put(record.key, record.value, carrier);
    } catch (err) {
      log.error({ err, key: formatKey(change.key) }, 'inventory record skipped');
    } finally {
      span.end();
    }
  };
  const publishAll = (): void => {
    publisher.replace(desired);
    handedOver = true;
  };

  const replaceRecipe = (next: ResolvedManager['manager']): void => {
    const value = next.recipe(config);
    if (next.source !== manager.source) {
      context.end(exitCode.reconfigured, `the inventory of ${manager.name} is that of ${next.source} now`);
      return;
    }
    desired.set(recipeKey, { value, trace: {} });
    if (handedOver) publisher.put(recipeKey, value);
  };

  const stops: (() => void | Promise<void>)[] = [];
  let sourceAgeMs = (): number => publisher.pendingMs();

  const followInventory = (): void => {
    const reader = createReader(bus, {
      bucket: inventoryBucket,
      owners: [manager.source],
      log,
      clock,
      onSwap: (swap) => {
        for (const change of swap.changes) take(change);
      },
    });
    const inventoryAgeMs = (): number => freshness.ageMs(manager.source, clock.monotonicMs());
    const unsubscribe = subscribeHeartbeats(bus, 'discovery', (heartbeat) => {
      reader.vouch(heartbeat.applied);
      freshness.heard(heartbeat, reader.applied(), clock.monotonicMs());
      // A complete inventory of nobody alive may be from long ago, for example from before `inventory: open`: until
      // discovery vouches for it, the rules published before this start stay in force.
      if (!handedOver && Number.isFinite(inventoryAgeMs())) publishAll();
    });
    sourceAgeMs = () => Math.max(inventoryAgeMs(), publisher.pendingMs());
    stops.push(unsubscribe, () => reader.stop());
  };
  const askProvider = (provider: PolledProvider): void => {
    const { source } = manager;
    const onList = (changes: Swap['changes']): void => {
      for (const change of changes) take(change);
      if (!handedOver) publishAll();
    };
    const inventory = followProvider(provider, { source, log, clock, onList });
    sourceAgeMs = () => Math.max(inventory.overdueMs(), publisher.pendingMs());
    stops.push(() => inventory.stop());
  };
  const missing =
    polled === undefined
      ? `no inventory of ${manager.source} yet that is complete and that discovery vouches for`
      : `${manager.name} has not been listed completely yet`;
  const notStored = `the rules of ${manager.name} are not on the bus yet`;
  const notReady = (): string[] => [
    ...(bus.connected() ? [] : ['not connected to NATS']),
    ...(handedOver ? [] : [missing]),
    ...(handedOver && publisher.published() === undefined ? [notStored] : []),
  ];

  return {
    notReady,
    concern: rulesConcern,
    start: async () => {
      // An open manager trusts the request: there is no inventory to wait for.
      if (recipe.inventory === 'open') publishAll();
      else if (polled !== undefined) askProvider(polled);
      else followInventory();
      stops.push(follow(replaceRecipe));
      stops.push(
        clock.every(heartbeatIntervalMs, () =>
          publishHeartbeat(bus, {
            schema: 1,
            service: 'resolver',
            uid: context.process.POD_UID,
            manager: manager.name,
            ready: notReady().length === 0,
            applied: [publisher.published() ?? []].flat(),
            sourceAgeMs: Math.min(sourceAgeMs(), Number.MAX_SAFE_INTEGER),
          }),
        ),
      );
    },
    stop: async () => {
      for (const stop of stops) await stop();
      await publisher.stop();
      await bus.close();
    },
  };
}
