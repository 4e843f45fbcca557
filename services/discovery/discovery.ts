import type { Bus } from '#shared/bus/link/bus.ts';
import { startHeartbeats } from '#shared/bus/link/start-heartbeats.ts';
import { rulesConcern } from '#shared/config/latchkey-file.ts';
import { policyRemarks } from '#shared/core/rules/policy-remarks.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { LeaderContext } from '#shared/service/leader-elected-service.ts';
import type { ReadyService } from '#shared/service/ready-service.ts';
import { createGlobalDelivery } from './globals/global-delivery.ts';
import { createInlineDelivery } from './globals/inline-delivery.ts';
import { keepBuckets } from './inventory/kept-buckets.ts';
import type { Source } from './inventory/source.ts';
import { planSources } from './inventory/source-plan.ts';
import { createSourceSet } from './inventory/source-set.ts';
import { createKubernetesSecrets } from './kubernetes/kubernetes-secrets.ts';
import { protectedNamespaces, watchSelectedNamespaces } from './kubernetes/namespace-selection.ts';
import { createSnapshotKeeper } from './snapshot/snapshot-keeper.ts';

/**
 * Watches what exists, keeps the copies of global secrets, and publishes both as inventory.
 * @param connectKubernetes called at most once, and only when Kubernetes is needed: open inventory and inline delivery
 *   without a snapshot need no rights
 */
export function createDiscovery(
  context: LeaderContext,
  {
    bus,
    connectKubernetes,
    environment,
  }: {
    bus: Bus;
    connectKubernetes: () => Kubernetes;
    environment: Record<string, string | undefined>;
  },
): ReadyService {
  const { config, clock, log } = context;
  const ownNamespace = context.process.POD_NAMESPACE;
  const plan = planSources(config);
  const sources = createSourceSet(context, bus);
  const stops: (() => void | Promise<void>)[] = [];
  let selection: Source | undefined;
  let kubernetes: Kubernetes | undefined;

  const optionsOf = (source: string) => ({ config, environment, clock, log: log.child({ source }) });
  const followKubernetes = (connected: Kubernetes): void => {
    const { namespaces } = config.k8s;
    if (plan.listsSecrets) {
      sources.start('k8s', (publisher) =>
        createKubernetesSecrets({
          ...optionsOf('k8s'),
          kubernetes: connected,
          publisher,
          namespaces,
          limits: config.limits,
        }),
      );
    }
    if (plan.globals === 'reference') {
      sources.start('global', (publisher) =>
        createGlobalDelivery({
          ...optionsOf('global'),
          kubernetes: connected,
          publisher,
          installation: ownNamespace,
        }),
      );
    }
    if (plan.namespaces === 'watched') {
      const onSelect = sources.select;
      const options = { kubernetes: connected, namespaces, ownNamespace, clock, log, onSelect };
      selection = watchSelectedNamespaces(options);
    } else {
      const excluded = protectedNamespaces(ownNamespace);
      sources.select(new Set(plan.namespaces?.filter((name) => !excluded.has(name))));
    }
  };

  const keepSnapshot = (connected: Kubernetes): void => {
    const snapshot = createSnapshotKeeper({
      bus,
      kubernetes: connected,
      namespace: ownNamespace,
      managers: config.chain,
      mostBytes: config.limits.managerMiB * 1_024 * 1_024,
      intervalMs: config.snapshot.intervalSeconds * 1_000,
      clock,
      log,
    });
    stops.push(snapshot.stop);
  };

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
      // Not waited for: whoever uses a bucket waits for it, and a stop must not wait for a bus that is away.
      stops.push(keepBuckets(bus, { config, clock, log }));
      if (plan.namespaces !== undefined || config.snapshot.enabled) kubernetes = connectKubernetes();
      if (kubernetes !== undefined && plan.namespaces !== undefined) followKubernetes(kubernetes);
      if (kubernetes !== undefined && config.snapshot.enabled) keepSnapshot(kubernetes);
      if (plan.globals === 'inline') {
        sources.start('global', (publisher) => createInlineDelivery({ ...optionsOf('global'), publisher }));
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
