import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { backoffMs } from '#shared/kubernetes/backoff.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { createSecret, deleteSecret, replaceSecret } from '#shared/kubernetes/secrets.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { type CopyStep, type OwnedCopy, planCopies, type SecretData } from './copy-plan.ts';
import { createNamespacedMap } from './namespaced-map.ts';
import { copyLabels, ownedCopy } from './owned-copy.ts';

/** Keeps the copies of the global secrets in every selected namespace equal to what is desired. */
export interface CopyKeeper {
  desire(copies: ReadonlyMap<string, SecretData>): void;
  select(namespaces: ReadonlySet<string>): void;
  /** Says that every copy that exists in a namespace (undefined: in any) has been handed over. */
  listed(namespace: string | undefined): void;
  /** A copy as the watch saw it; undefined when it is gone. */
  owned(namespace: string, name: string, copy: OwnedCopy | undefined): void;
  stop(): void;
}

/**
 * Level-triggered, one namespace at a time: plan from what is desired and what is owned, do the steps, look again.
 * A Secret of the same name without latchkey's label is somebody else's: it is left alone and named in the log, and the
 * namespace does not become ready. `onReady` is called when a namespace holds every copy.
 */
export function createCopyKeeper(options: {
  kubernetes: Kubernetes;
  clock: Clock;
  log: Logger;
  onReady: (namespace: string) => void;
}): CopyKeeper {
  const { kubernetes, clock, log } = options;
  const stopping = new AbortController();
  const owned = createNamespacedMap<OwnedCopy>();
  const listed = new Set<string | undefined>();
  const queue = new Set<string>();
  const attempts = new Map<string, number>();
  let desired: ReadonlyMap<string, SecretData> | undefined;
  let selected: ReadonlySet<string> = new Set();
  let working = false;

  const reconcile = async (namespace: string): Promise<void> => {
    if (desired === undefined || !(listed.has(undefined) || listed.has(namespace))) return;
    const wanted = selected.has(namespace) ? desired : new Map<string, SecretData>();
    const steps = planCopies(wanted, [...owned.of(namespace).values()]);
    // What was stored is noted at once: the watch tells it later, and a plan in between would do it again.
    for (const step of steps) owned.set(namespace, step.name, await apply(kubernetes, namespace, step));
    attempts.delete(namespace);
    if (selected.has(namespace)) options.onReady(namespace);
  };

  const retry = (namespace: string, err: unknown): void => {
    const attempt = attempts.get(namespace) ?? 0;
    attempts.set(namespace, attempt + 1);
    const foreign = err instanceof LatchkeyError && err.code === 'KUBERNETES_EXISTS';
    const why = foreign
      ? 'a Secret that is not ours has the name of a copy: rename or delete it'
      : 'copying the global secrets failed, trying again';
    log.warn({ err, namespace, attempt }, why);
    void clock.sleep(backoffMs(attempt, Math.random()), stopping.signal).then(() => enqueue(namespace));
  };

  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    for (const namespace of queue) {
      queue.delete(namespace);
      if (stopping.signal.aborted) break;
      await reconcile(namespace).catch((err: unknown) => retry(namespace, err));
    }
    working = false;
  };

  const enqueue = (namespace: string): void => {
    queue.add(namespace);
    void work();
  };

  return {
    desire: (copies) => {
      desired = copies;
      for (const namespace of selected) enqueue(namespace);
    },
    select: (namespaces) => {
      const touched = [...selected].filter((namespace) => !namespaces.has(namespace));
      selected = namespaces;
      for (const namespace of [...namespaces, ...touched]) enqueue(namespace);
    },
    listed: (namespace) => {
      listed.add(namespace);
      for (const known of selected) enqueue(known);
    },
    owned: (namespace, name, copy) => {
      owned.set(namespace, name, copy);
      enqueue(namespace);
    },
    stop: () => stopping.abort(),
  };
}

/** Does one step; returns the copy as stored, undefined when it was deleted. */
async function apply(
  kubernetes: Kubernetes,
  namespace: string,
  step: CopyStep,
): Promise<OwnedCopy | undefined> {
  if (step.kind === 'delete') {
    const { name, uid, resourceVersion } = step;
    await deleteSecret(kubernetes, { namespace, name, uid, resourceVersion });
    return undefined;
  }
  const secret = { type: 'Opaque', data: { ...step.data } };
  const metadata = { name: step.name, namespace, labels: copyLabels };
  if (step.kind === 'create') return ownedCopy(await createSecret(kubernetes, { ...secret, metadata }));
  const { resourceVersion } = step;
  return ownedCopy(
    await replaceSecret(kubernetes, { ...secret, metadata: { ...metadata, resourceVersion } }),
  );
}
