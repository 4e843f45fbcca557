import type { Logger } from 'pino';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { type CompiledRecipe, compileRecipe } from '#shared/core/rules/recipe/recipe.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { planGlobalCopies } from '#shared/managers/chain/global-copies.ts';
import { managers } from '#shared/managers/shipped/managers.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { type CopyKeeper, createCopyKeeper } from '../copies/copy-keeper.ts';
import type { OwnedCopy } from '../copies/copy-plan.ts';
import { copySelector, ownedCopy } from '../copies/owned-copy.ts';
import { shareCopies } from '../copies/share-copies.ts';
import { createInventoryFeed, type InventoryFeed } from '../inventory/inventory-feed.ts';
import { NamespaceProgress } from '../inventory/namespace-progress.ts';
import type { OnSelect, Source } from '../inventory/source.ts';
import { watchSecrets } from '../kubernetes/watch-secrets.ts';
import { planGlobalEntries } from './global-entries.ts';
import type { GlobalSecret } from './global-secrets.ts';
import { watchGlobals } from './watch-globals.ts';

/** Bounds how long namespaces whose copies cannot be written hold up the first publication. */
const firstCopyGraceMs = 10_000;
/** Lists copies again this often, so that nothing that was missed stays. */
const relistMs = 600_000;

/** Turns global secrets into copies in the selected namespaces, and into the inventory of the source `global`. */
interface GlobalDelivery extends Source {
  select: OnSelect;
}

interface GlobalDeliveryOptions {
  kubernetes: Kubernetes;
  publisher: Publisher;
  config: LatchkeyConfig;
  /** Namespace that latchkey runs in, which distinguishes its copies from another installation's. */
  installation: string;
  environment: Record<string, string | undefined>;
  clock: Clock;
  log: Logger;
}

export const createGlobalDelivery = (options: GlobalDeliveryOptions): GlobalDelivery =>
  new CopyDelivery(options);

class CopyDelivery implements GlobalDelivery {
  readonly #log: Logger;
  readonly #feed: InventoryFeed;
  readonly #keeper: CopyKeeper;
  readonly #source: Source;
  readonly #stopGlobals: () => void;
  readonly #stopping = new AbortController();
  /** Knows the namespaces that need not be waited for: with every copy, or with something that keeps one out. */
  readonly #progress = new NamespaceProgress();
  /** Keeps a global secret out of a namespace in which nobody may use it. */
  readonly #policy: CompiledRecipe['policy'];
  #globals: readonly GlobalSecret[] | undefined;

  constructor(options: GlobalDeliveryOptions) {
    const { kubernetes, config, installation, clock, log } = options;
    this.#log = log;
    this.#feed = createInventoryFeed('global', options.publisher);
    this.#policy = compileRecipe(managers.get('global')?.recipe(config)).policy;
    const onReady = (namespace: string, isReady: boolean) => this.#noteReady(namespace, isReady);
    this.#keeper = createCopyKeeper({ kubernetes, installation, clock, log, onReady });
    this.#stopGlobals = watchGlobals({ ...options, onChange: (globals) => this.#replace(globals) });
    void clock.sleep(firstCopyGraceMs, this.#stopping.signal).then(() => {
      this.#progress.endWait();
      this.#completeWhenReady();
    });
    this.#source = watchCopies(options, this.#keeper);
  }

  interruptedMs(): number {
    return this.#source.interruptedMs();
  }

  select(namespaces: ReadonlySet<string>, changed?: Iterable<string>): void {
    const differing = this.#progress.select(namespaces, changed);
    for (const namespace of this.#progress.forgetUnselected(differing)) {
      this.#feed.namespace(namespace, undefined);
    }
    this.#keeper.select(namespaces, differing);
    this.#completeWhenReady();
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    this.#stopGlobals();
    this.#keeper.stop();
    return this.#source.stop();
  }

  #noteReady(namespace: string, isReady: boolean): void {
    this.#feed.namespace(namespace, isReady ? { schema: 1, namespace, globalsReady: true } : undefined);
    // Completeness is checked once for each namespace, not at every event.
    if (this.#progress.selected().has(namespace) && this.#progress.note(namespace)) this.#completeWhenReady();
  }

  #replace(globals: readonly GlobalSecret[]): void {
    const copies = planGlobalCopies(globals);
    for (const { name, problem } of copies.refused) this.#log.error({ global: name }, problem);
    const changes = planGlobalEntries(this.#globals ?? [], globals, copies.placement);
    for (const { name, entry } of changes) this.#feed.entry(undefined, name, entry);
    // Rules may arrive before their copies: the reference is not optional, so that the kubelet waits for a copy.
    this.#keeper.desire(
      shareCopies(copies, (name, namespace) => this.#policy?.mayReach(name, namespace) !== false),
    );
    this.#globals = globals;
    this.#completeWhenReady();
  }

  #completeWhenReady(): void {
    if (this.#globals !== undefined && this.#progress.isComplete()) this.#feed.complete();
  }
}

/** Tells the keeper of every copy that exists. */
function watchCopies({ kubernetes, config, clock, log }: GlobalDeliveryOptions, keeper: CopyKeeper): Source {
  return watchSecrets<OwnedCopy>({
    kubernetes,
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
}
