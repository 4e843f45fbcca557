import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { createSecret, deleteSecret, replaceSecret } from '#shared/kubernetes/secrets.ts';
import { backoffMs, kubernetesBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { addsKey, type CopyStep, type OwnedCopy, planCopies, type SecretData } from './copy-plan.ts';
import { createNamespacedMap } from './namespaced-map.ts';
import { copyLabels, ownedCopy } from './owned-copy.ts';

/** Keeps the copies of the global secrets in every selected namespace equal to what is desired. */
interface CopyKeeper {
  /** @param copiesOf the copies that a namespace is to hold */
  desire(copiesOf: (namespace: string) => ReadonlyMap<string, SecretData>): void;
  select(namespaces: ReadonlySet<string>): void;
  /** Says that every copy that exists in a namespace (undefined: in any) has been handed over. */
  listed(namespace: string | undefined): void;
  /** A copy as the watch saw it. */
  seen(copy: OwnedCopy): void;
  /** A copy that the watch saw go, or lose its label. */
  gone(copy: OwnedCopy): void;
  stop(): void;
}

/**
 * Level-triggered, one namespace at a time: plan from what is desired and what is owned, do the steps, look again.
 * Nothing is done before all three are known: what is desired, what is selected, what exists. A Secret of the same name
 * without latchkey's label is somebody else's: it is left alone and named in the log.
 * @param options.onReady called with true when a namespace holds every copy, with false when a key is missing in it that
 *   could not be written: a Secret of somebody else stands there, a quota is used up, a right is missing
 */
export function createCopyKeeper(options: {
  kubernetes: Kubernetes;
  clock: Clock;
  log: Logger;
  onReady: (namespace: string, isReady: boolean) => void;
}): CopyKeeper {
  const { kubernetes, clock, log } = options;
  const stopping = new AbortController();
  const owned = createNamespacedMap<OwnedCopy>();
  const listed = new Set<string | undefined>();
  const queue = new Set<string>();
  /** By namespace: failures in a row, and why the last one. */
  const setbacks = new Map<string, { failures: number; why: string }>();
  let desired: ((namespace: string) => ReadonlyMap<string, SecretData>) | undefined;
  let selected: ReadonlySet<string> | undefined;
  let working = false;

  const isListed = (namespace: string): boolean => listed.has(undefined) || listed.has(namespace);

  /** Does what can be done: a copy that cannot be written holds up no other. Returns the steps that failed, and why. */
  const tryEach = async (
    namespace: string,
    steps: CopyStep[],
  ): Promise<{ step: CopyStep; err: unknown }[]> => {
    const failures: { step: CopyStep; err: unknown }[] = [];
    for (const step of steps) {
      try {
        // What was stored is noted at once: the watch tells it later, and a plan in between would do it again.
        owned.set(namespace, step.name, await apply(kubernetes, namespace, step));
      } catch (err) {
        failures.push({ step, err });
      }
    }
    return failures;
  };
  const reconcile = async (namespace: string): Promise<void> => {
    if (desired === undefined || selected === undefined || !isListed(namespace)) return;
    const wanted = selected.has(namespace) ? desired(namespace) : new Map<string, SecretData>();
    const failures = await tryEach(namespace, planCopies(wanted, [...owned.of(namespace).values()]));
    if (failures.some(({ step }) => addsKey(step, owned.of(namespace).get(step.name)))) {
      options.onReady(namespace, false);
    }
    const [first] = failures;
    if (first !== undefined) throw (failures.find(({ err }) => isForeign(err)) ?? first).err;
    if (setbacks.delete(namespace)) log.info({ namespace }, 'copying the global secrets works again');
    if (selected.has(namespace)) options.onReady(namespace, true);
  };

  const retry = (namespace: string, err: unknown): void => {
    const { failures, why: before } = setbacks.get(namespace) ?? { failures: 0 };
    const why = isForeign(err)
      ? 'a Secret that is not ours has the name of a copy: rename or delete it'
      : 'copying the global secrets failed, trying again';
    setbacks.set(namespace, { failures: failures + 1, why });
    // It may last for days: the first of a kind is a warning.
    log[why === before ? 'debug' : 'warn']({ err, namespace, failures: failures + 1 }, why);
    void clock.sleep(backoffMs(kubernetesBackoff, failures), stopping.signal).then(() => enqueue(namespace));
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
  /** Also where nothing is selected (any more) a copy may stand, from before this process began. */
  const enqueueAll = (): void => {
    for (const namespace of new Set([...(selected ?? []), ...owned.namespaces()])) enqueue(namespace);
  };

  return {
    desire: (copiesOf) => {
      desired = copiesOf;
      enqueueAll();
    },
    select: (namespaces) => {
      selected = namespaces;
      enqueueAll();
    },
    listed: (namespace) => {
      listed.add(namespace);
      enqueueAll();
    },
    seen: (copy) => {
      owned.set(copy.namespace, copy.name, copy);
      enqueue(copy.namespace);
    },
    gone: ({ namespace, name, uid }) => {
      // Late news of one that has been made again since.
      if (owned.of(namespace).get(name)?.uid !== uid) return;
      owned.set(namespace, name, undefined);
      enqueue(namespace);
    },
    stop: () => stopping.abort(),
  };
}

const isForeign = (err: unknown): boolean => err instanceof LatchkeyError && err.code === 'KUBERNETES_EXISTS';

/** Does one step; returns the copy as stored, undefined when it was deleted. */
async function apply(
  kubernetes: Kubernetes,
  namespace: string,
  step: CopyStep,
): Promise<OwnedCopy | undefined> {
  if (step.kind === 'delete') {
    const { name, uid, resourceVersion } = step;
    await deleteSecret(kubernetes, { namespace, name, uid, resourceVersion }).catch(unlessGone);
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

function unlessGone(err: unknown): void {
  if (!(err instanceof LatchkeyError) || err.code !== 'KUBERNETES_NOT_FOUND') throw err;
}
