import type { Logger } from 'pino';
import type { Publisher } from '#shared/bus/publish/publisher.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createInventoryFeed } from '../inventory/inventory-feed.ts';
import type { Source } from '../inventory/source.ts';
import { createKubernetesInventory } from './kubernetes-inventory.ts';
import { createLeftOutMetrics } from './left-out-metrics.ts';
import { createNamespaceRoom } from './namespace-room.ts';
import { factFieldSelector, type SecretFact, secretFact } from './secret-fact.ts';
import { watchSecrets } from './watch-secrets.ts';

/** Bounds how long a namespace that cannot be listed (no Role for it) holds up the others. */
const firstListGraceMs = 30_000;

/** Turns the Secrets of the selected namespaces into the inventory of the source `k8s`. */
interface KubernetesSecrets extends Source {
  select(namespaces: ReadonlySet<string>): void;
}

export function createKubernetesSecrets(options: {
  kubernetes: Kubernetes;
  publisher: Publisher;
  namespaces: LatchkeyConfig['k8s']['namespaces'];
  limits: LatchkeyConfig['limits'];
  clock: Clock;
  log: Logger;
}): KubernetesSecrets {
  const { namespaces, limits, clock, log } = options;
  const feed = createInventoryFeed('k8s', options.publisher);
  const room = createNamespaceRoom(limits.namespaceKiB * 1_024);
  const inventory = createKubernetesInventory('k8s', feed, ({ namespace, name, leftOut }) => {
    const limit = leftOut === 'keys' ? 'limits.keysPerSecret' : 'limits.namespaceKiB';
    log.warn({ namespace, secret: name, limit }, 'a Secret is above a limit and is left out');
  });
  createLeftOutMetrics(inventory.leftOut);
  const stopping = new AbortController();
  const listed = new Set<string>();
  let everywhere = false;
  let graceIsOver = false;
  let selected: ReadonlySet<string> | undefined;

  const update = (): void => {
    if (selected === undefined) return;
    const known = [...selected].filter((namespace) => everywhere || listed.has(namespace));
    inventory.select(new Set(known));
    if (everywhere || known.length === selected.size || graceIsOver) feed.complete();
  };
  void clock.sleep(firstListGraceMs, stopping.signal).then(() => {
    graceIsOver = true;
    update();
  });

  const source = watchSecrets<SecretFact>({
    kubernetes: options.kubernetes,
    namespaces,
    fieldSelector: factFieldSelector,
    transform: (secret) => {
      const fact = secretFact(secret, limits.keysPerSecret);
      return fact && { key: `${fact.namespace}/${fact.name}`, value: room.place(fact) };
    },
    onChange: (change) => {
      const { namespace, name } = change.type === 'set' ? change.value : change.previous;
      if (change.type === 'delete') room.release(namespace, name);
      inventory.secret(namespace, name, change.type === 'set' ? change.value : undefined);
    },
    onListed: (namespace, items) => {
      room.keepListed(namespace, items);
      if (namespace === undefined) everywhere = true;
      else listed.add(namespace);
      update();
    },
    clock,
    log,
  });

  return {
    interruptedMs: source.interruptedMs,
    select: (next) => {
      selected = next;
      update();
    },
    stop: () => {
      stopping.abort();
      return source.stop();
    },
  };
}
