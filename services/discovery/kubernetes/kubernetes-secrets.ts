import type { Logger } from 'pino';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createInventoryFeed, type InventoryFeed } from '../inventory/inventory-feed.ts';
import { NamespaceProgress } from '../inventory/namespace-progress.ts';
import type { OnSelect, Source } from '../inventory/source.ts';
import { createKubernetesInventory, type KubernetesInventory } from './kubernetes-inventory.ts';
import { createLeftOutMetrics } from './left-out-metrics.ts';
import { createNamespaceRoom, type NamespaceRoom } from './namespace-room.ts';
import { factFieldSelector, type SecretFact, secretFact } from './secret-fact.ts';
import { watchSecrets } from './watch-secrets.ts';

/** Bounds how long a namespace that cannot be listed (no Role for it) holds up the others. */
const firstListGraceMs = 30_000;

/** Turns the Secrets of the selected namespaces into the inventory of the source `k8s`. */
interface KubernetesSecrets extends Source {
  select: OnSelect;
}

interface KubernetesSecretsOptions {
  kubernetes: Kubernetes;
  publisher: Publisher;
  namespaces: LatchkeyConfig['k8s']['namespaces'];
  limits: LatchkeyConfig['limits'];
  clock: Clock;
  log: Logger;
}

export const createKubernetesSecrets = (options: KubernetesSecretsOptions): KubernetesSecrets =>
  new SecretInventory(options);

class SecretInventory implements KubernetesSecrets {
  readonly #feed: InventoryFeed;
  readonly #room: NamespaceRoom;
  readonly #inventory: KubernetesInventory;
  readonly #source: Source;
  readonly #progress = new NamespaceProgress();
  readonly #stopping = new AbortController();

  constructor(options: KubernetesSecretsOptions) {
    const { limits, clock, log } = options;
    this.#feed = createInventoryFeed('k8s', options.publisher);
    this.#room = createNamespaceRoom(limits.namespaceKiB * 1_024, clock);
    this.#inventory = createKubernetesInventory('k8s', this.#feed, ({ namespace, name, leftOut }) => {
      const limit = leftOut === 'keys' ? 'limits.keysPerSecret' : 'limits.namespaceKiB';
      log.warn({ namespace, secret: name, limit }, 'a Secret is above a limit and is left out');
    });
    createLeftOutMetrics(this.#inventory.leftOut);
    void clock.sleep(firstListGraceMs, this.#stopping.signal).then(() => {
      this.#progress.endWait();
      this.#offer([]);
    });
    this.#source = this.#watch(options);
  }

  interruptedMs(): number {
    return this.#source.interruptedMs();
  }

  select(namespaces: ReadonlySet<string>, changed?: Iterable<string>): void {
    this.#offer(this.#progress.select(namespaces, changed));
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#source.stop();
  }

  #watch({ kubernetes, namespaces, limits, clock, log }: KubernetesSecretsOptions): Source {
    return watchSecrets<SecretFact>({
      kubernetes,
      namespaces,
      fieldSelector: factFieldSelector,
      transform: (secret) => {
        const fact = secretFact(secret, limits.keysPerSecret);
        return fact && { key: `${fact.namespace}/${fact.name}`, value: this.#room.place(fact) };
      },
      onChange: (change) => {
        const { namespace, name } = change.type === 'set' ? change.value : change.previous;
        if (change.type === 'delete') this.#room.release(namespace, name);
        this.#inventory.secret(namespace, name, change.type === 'set' ? change.value : undefined);
      },
      onListed: (namespace, items) => {
        this.#room.keepListed(namespace, items);
        this.#progress.note(namespace);
        this.#offer(namespace === undefined ? this.#progress.selected() : [namespace]);
      },
      clock,
      log,
    });
  }

  /** Publishes what is known of these namespaces, and takes back that of those that are not selected. */
  #offer(namespaces: Iterable<string>): void {
    for (const namespace of namespaces) this.#inventory.select(namespace, this.#progress.has(namespace));
    if (this.#progress.isComplete()) this.#feed.complete();
  }
}
