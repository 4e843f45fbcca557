import { ensureBuckets } from '#shared/bus/buckets.ts';
import type { Bus } from '#shared/bus/bus.ts';
import { publishHeartbeat } from '#shared/bus/heartbeat-channel.ts';
import { createPublisher, type Publisher } from '#shared/bus/publisher.ts';
import { inventoryBucket } from '#shared/contracts/bucket.ts';
import { heartbeatIntervalMs } from '#shared/contracts/heartbeat.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { rulesConcern } from '#shared/runtime/latchkey-file.ts';
import type { ProgramContext, ReadyService } from '#shared/runtime/program.ts';
import { createGlobalDelivery } from './global-delivery.ts';
import { createInlineDelivery } from './inline-delivery.ts';
import { createKubernetesSecrets } from './kubernetes-secrets.ts';
import { protectedNamespaces, watchSelectedNamespaces } from './namespace-selection.ts';
import type { Source } from './source.ts';

/** A deleted bucket is made again within this time. */
const bucketCheckIntervalMs = 5_000;

/** One source of inventory with its publisher. */
interface SourceOnBus extends Source {
  name: string;
  publisher: Publisher;
  /** Absent where it does not depend on namespaces. */
  select?(namespaces: ReadonlySet<string>): void;
}

/**
 * Watches what exists, keeps the copies of global secrets, and publishes both as inventory.
 * @param connect called at most once, and only when Kubernetes is needed: open inventory and inline delivery need no rights
 */
export function createDiscovery(
  context: ProgramContext,
  bus: Bus,
  connect: () => Kubernetes,
  environment: Record<string, string | undefined>,
): ReadyService {
  const { config, clock } = context;
  const { log } = context;
  const ownNamespace = context.process.POD_NAMESPACE;
  const { namespaces } = config.k8s;
  const sources: SourceOnBus[] = [];
  const stops: (() => void | Promise<void>)[] = [];
  let selection: Source | undefined;
  let kubernetes: Kubernetes | undefined;
  const watchesSecrets = config.chain.includes('k8s') && config.k8s.inventory === 'closed';
  const copiesGlobals = config.chain.includes('global') && config.global.delivery === 'reference';

  const startSource = (
    name: string,
    create: (publisher: Publisher) => Source & Pick<SourceOnBus, 'select'>,
  ): void => {
    const publisher = createPublisher(bus, {
      bucket: inventoryBucket,
      owner: name,
      log,
      clock,
      onSuperseded: () => context.end(exitCode.superseded, `a newer discovery publishes ${name}`),
    });
    sources.push({ name, publisher, ...create(publisher) });
  };
  const select = (selected: ReadonlySet<string>): void => {
    for (const source of sources) source.select?.(selected);
  };
  const sourceAgeMs = (): number =>
    Math.max(
      selection?.interruptedMs() ?? 0,
      ...sources.map((source) => Math.max(source.interruptedMs(), source.publisher.pendingMs())),
    );
  const notReady = (): string[] => [
    ...(bus.connected() ? [] : ['not connected to NATS']),
    ...sources
      .filter(({ publisher }) => publisher.published() === undefined)
      .map(({ name }) => `the list of ${name} is not complete, or not on the bus yet`),
  ];
  const beat = (): void =>
    publishHeartbeat(bus, {
      schema: 1,
      service: 'discovery',
      uid: context.process.POD_UID,
      ready: notReady().length === 0,
      applied: sources.flatMap(({ publisher }) => publisher.published() ?? []),
      sourceAgeMs: sourceAgeMs(),
    });

  const followKubernetes = (connected: Kubernetes): void => {
    kubernetes = connected;
    if (watchesSecrets) {
      startSource('k8s', (publisher) =>
        createKubernetesSecrets({
          kubernetes: connected,
          publisher,
          namespaces,
          clock,
          log: log.child({ source: 'k8s' }),
        }),
      );
    }
    if (copiesGlobals) {
      startSource('global', (publisher) =>
        createGlobalDelivery({
          kubernetes: connected,
          publisher,
          config,
          environment,
          clock,
          log: log.child({ source: 'global' }),
        }),
      );
    }
    if ('names' in namespaces && !copiesGlobals) {
      const excluded = protectedNamespaces(ownNamespace);
      select(new Set(namespaces.names.filter((name) => !excluded.has(name))));
    } else {
      selection = watchSelectedNamespaces({
        kubernetes: connected,
        namespaces,
        ownNamespace,
        clock,
        log,
        onSelect: select,
      });
    }
  };

  return {
    notReady,
    concern: rulesConcern,
    start: async () => {
      await ensureBuckets(bus, { log });
      stops.push(clock.every(bucketCheckIntervalMs, () => void ensureBuckets(bus, { log })));
      if (watchesSecrets || copiesGlobals) followKubernetes(connect());
      if (config.chain.includes('global') && !copiesGlobals) {
        startSource('global', (publisher) =>
          createInlineDelivery({
            publisher,
            config,
            environment,
            clock,
            log: log.child({ source: 'global' }),
          }),
        );
      }
      stops.push(clock.every(heartbeatIntervalMs, beat));
    },
    stop: async () => {
      for (const stop of stops) await stop();
      await selection?.stop();
      for (const source of sources) {
        await source.stop();
        await source.publisher.stop();
      }
      kubernetes?.close();
      await bus.close();
    },
  };
}
