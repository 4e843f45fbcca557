import type { Bus } from '#shared/bus/link/bus.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import { rulesConcern } from '#shared/config/latchkey-file.ts';
import { policyRemarks } from '#shared/core/rules/policy/policy-remarks.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { LeaderContext } from '#shared/service/leader-elected-service.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import { createGlobalDelivery } from './globals/global-delivery.ts';
import { createInlineDelivery } from './globals/inline-delivery.ts';
import { keepBuckets } from './inventory/keep-buckets.ts';
import type { Source } from './inventory/source.ts';
import { planSources, type SourcePlan } from './inventory/source-plan.ts';
import { createSourceSet, type SourceSet } from './inventory/source-set.ts';
import { createKubernetesSecrets } from './kubernetes/kubernetes-secrets.ts';
import { protectedNamespaces, watchSelectedNamespaces } from './kubernetes/watch-selected-namespaces.ts';
import { createSnapshotKeeper } from './snapshot/snapshot-keeper.ts';

/** Holds what discovery is made of beside its context. */
interface DiscoveryParts {
  bus: Bus;
  /**
   * Called at most once, and only when Kubernetes is needed: open inventory and inline delivery without a snapshot need no
   * rights.
   */
  connectKubernetes: () => Kubernetes;
  environment: Record<string, string | undefined>;
}

/** Watches what exists, keeps the copies of global secrets, and publishes both as inventory. */
export function createDiscovery(context: LeaderContext, parts: DiscoveryParts): ReadyService {
  const { config, clock, log } = context;
  const { bus, environment } = parts;
  const plan = planSources(config);
  const sources = createSourceSet(context, bus);
  const stops: (() => void | Promise<void>)[] = [];
  let selection: Source | undefined;
  let kubernetes: Kubernetes | undefined;

  const notReady = (): string[] => [
    ...(bus.connected() ? [] : ['not connected to NATS']),
    ...sources.missing().map((name) => `the list of ${name} is not complete, or not on the bus yet`),
  ];
  const sendHeartbeats = () =>
    startHeartbeats(bus, {
      sender: { service: 'discovery', uid: context.process.POD_UID },
      clock,
      report: () => ({
        notReady: notReady(),
        applied: sources.published(),
        sourceAgeMs: Math.max(selection?.interruptedMs() ?? 0, sources.ageMs()),
      }),
    });

  return {
    notReady,
    concern: (changed) => [rulesConcern(changed), changed.bus],
    start: async () => {
      for (const { rule, remark } of policyRemarks(config.policy)) log.warn({ rule }, remark);
      // Not awaited: what uses a bucket waits for it, and a stop must not wait for a bus that is away.
      stops.push(keepBuckets(bus, { config, clock, log }));
      if (plan.namespaces !== undefined || config.snapshot.enabled) kubernetes = parts.connectKubernetes();
      if (kubernetes !== undefined) {
        selection = followKubernetes({ context, kubernetes, environment, plan, sources });
        if (config.snapshot.enabled) stops.push(keepSnapshot(context, bus, kubernetes).stop);
      }
      if (plan.globals === 'inline') {
        const options = { config, environment, clock, log: log.child({ source: 'global' }) };
        sources.start('global', (publisher) => createInlineDelivery({ ...options, publisher }));
      }
      stops.push(sendHeartbeats().stop);
    },
    stop: async () => {
      for (const stop of stops) await stop();
      await selection?.stop();
      await sources.stop();
      kubernetes?.close();
      await bus.close();
    },
  };
}

/**
 * Starts the sources that read Kubernetes, as the plan says.
 * @returns what follows the selection of namespaces; undefined where it is fixed, or where nothing depends on it
 */
function followKubernetes(options: {
  context: LeaderContext;
  kubernetes: Kubernetes;
  environment: Record<string, string | undefined>;
  plan: SourcePlan;
  sources: SourceSet;
}): Source | undefined {
  const { kubernetes, environment, plan, sources } = options;
  const { config, clock, log, process } = options.context;
  const { namespaces } = config.k8s;
  const ownNamespace = process.POD_NAMESPACE;
  const optionsOf = (source: string) => ({ kubernetes, config, clock, log: log.child({ source }) });
  if (plan.listsSecrets) {
    const { limits } = config;
    sources.start('k8s', (publisher) =>
      createKubernetesSecrets({ ...optionsOf('k8s'), publisher, namespaces, limits }),
    );
  }
  if (plan.globals === 'reference') {
    const installation = ownNamespace;
    sources.start('global', (publisher) =>
      createGlobalDelivery({ ...optionsOf('global'), environment, publisher, installation }),
    );
  }
  if (plan.namespaces === undefined) return undefined;
  if (plan.namespaces === 'watched') {
    const onSelect = sources.select;
    return watchSelectedNamespaces({ kubernetes, namespaces, ownNamespace, clock, log, onSelect });
  }
  const excluded = protectedNamespaces(ownNamespace);
  sources.select(new Set(plan.namespaces.filter((name) => !excluded.has(name))));
  return undefined;
}

const keepSnapshot = ({ config, process, clock, log }: LeaderContext, bus: Bus, kubernetes: Kubernetes) =>
  createSnapshotKeeper({
    bus,
    kubernetes,
    namespace: process.POD_NAMESPACE,
    managers: config.chain,
    mostBytes: config.limits.managerMiB * 1_024 * 1_024,
    intervalMs: config.snapshot.intervalSeconds * 1_000,
    staleAfterMs: config.gateway.staleAfterSeconds * 1_000,
    clock,
    log,
  });
