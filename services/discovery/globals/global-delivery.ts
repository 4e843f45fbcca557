import type { Logger } from 'pino';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { planGlobalCopies } from '#shared/managers/chain/global-copies.ts';
import { managers } from '#shared/managers/shipped/registry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createCopyKeeper } from '../copies/copy-keeper.ts';
import type { OwnedCopy } from '../copies/copy-plan.ts';
import { copySelector, ownedCopy } from '../copies/owned-copy.ts';
import { shareCopies } from '../copies/share-copies.ts';
import { createInventoryFeed } from '../inventory/inventory-feed.ts';
import type { Source } from '../inventory/source.ts';
import { watchSecrets } from '../kubernetes/watch-secrets.ts';
import type { GlobalSecret } from './global-secrets.ts';
import { watchGlobals } from './watch-globals.ts';

/** Bounds how long namespaces whose copies cannot be written hold up the first publication. */
const firstCopyGraceMs = 10_000;
/** Lists copies again this often, so that nothing that was missed stays. */
const relistMs = 600_000;

/** Turns global secrets into copies in the selected namespaces, and into the inventory of the source `global`. */
interface GlobalDelivery extends Source {
  select(namespaces: ReadonlySet<string>): void;
}

export function createGlobalDelivery(options: {
  kubernetes: Kubernetes;
  publisher: Publisher;
  config: LatchkeyConfig;
  /** Namespace that latchkey runs in, which distinguishes its copies from another installation's. */
  installation: string;
  environment: Record<string, string | undefined>;
  clock: Clock;
  log: Logger;
}): GlobalDelivery {
  const { config, clock, log } = options;
  const feed = createInventoryFeed('global', options.publisher);
  /** Keeps a global secret out of a namespace in which nobody may use it. */
  const { policy } = compileRecipe(managers.get('global')?.recipe(config));
  const stopping = new AbortController();
  /** Holds the namespaces that need not be waited for: with every copy, or with something that keeps one out. */
  const settled = new Set<string>();
  let selected: ReadonlySet<string> | undefined;
  let globals: readonly GlobalSecret[] | undefined;
  let graceIsOver = false;

  const completeWhenReady = (): void => {
    if (globals === undefined || selected === undefined) return;
    if (graceIsOver || [...selected].every((namespace) => settled.has(namespace))) feed.complete();
  };
  const keeper = createCopyKeeper({
    kubernetes: options.kubernetes,
    installation: options.installation,
    clock,
    log,
    onReady: (namespace, isReady) => {
      feed.namespace(namespace, isReady ? { schema: 1, namespace, globalsReady: true } : undefined);
      // Completeness is checked once for each namespace, not at every event.
      if (settled.has(namespace)) return;
      settled.add(namespace);
      completeWhenReady();
    },
  });

  const publish = (previous: readonly GlobalSecret[], next: readonly GlobalSecret[]): void => {
    const plan = planGlobalCopies(next);
    for (const { name, problem } of plan.refused) log.error({ global: name }, problem);
    for (const { name, version } of next) {
      const copy = plan.placement.get(name);
      if (copy === undefined) continue;
      feed.entry(undefined, name, { schema: 1, source: 'global', secret: name, keys: [], version, copy });
    }
    for (const { name } of previous) if (!plan.placement.has(name)) feed.entry(undefined, name, undefined);
    // Rules may arrive before their copies: the reference is not optional, so that the kubelet waits for a copy.
    keeper.desire(shareCopies(plan, (name, namespace) => policy?.mayReach(name, namespace) !== false));
  };

  const stopGlobals = watchGlobals({
    ...options,
    onChange: (next) => {
      publish(globals ?? [], next);
      globals = next;
      completeWhenReady();
    },
  });
  void clock.sleep(firstCopyGraceMs, stopping.signal).then(() => {
    graceIsOver = true;
    completeWhenReady();
  });
  const source = watchSecrets<OwnedCopy>({
    kubernetes: options.kubernetes,
    namespaces: config.k8s.namespaces,
    labelSelector: copySelector,
    transform: (secret) => {
      const copy = ownedCopy(secret);
      return copy && { key: `${copy.namespace}/${copy.name}`, value: copy };
    },
    onChange: (change) => {
      if (change.type === 'set') keeper.seen(change.value);
      else keeper.gone(change.previous, change.resourceVersion);
    },
    onListed: (namespace, items, resourceVersion) =>
      keeper.listed(namespace, items.values(), resourceVersion),
    relistMs,
    clock,
    log,
  });

  return {
    interruptedMs: source.interruptedMs,
    select: (next) => {
      for (const namespace of settled) {
        if (next.has(namespace)) continue;
        settled.delete(namespace);
        feed.namespace(namespace, undefined);
      }
      selected = next;
      keeper.select(next);
      completeWhenReady();
    },
    stop: () => {
      stopping.abort();
      stopGlobals();
      keeper.stop();
      return source.stop();
    },
  };
}
