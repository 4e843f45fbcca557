import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { backoffMs, kubernetesBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createRepairPace, promptRepairs } from '#shared/runtime/repair-pace.ts';
import { type CopyLedger, createCopyLedger } from './copy-ledger.ts';
import { addsKey, type CopyPlan, type CopyStep, type OwnedCopy, planCopies } from './copy-plan.ts';
import { createCopyWriter } from './copy-writer.ts';
import type { DesiredCopies } from './desired-copy.ts';
import { createNamespaceQueue } from './namespace-queue.ts';

/** Keeps the copies of the global secrets in every selected namespace equal to what is desired. */
export interface CopyKeeper {
  /** @param copiesOf the copies that a namespace is to hold; asked at every event of a copy */
  desire(copiesOf: (namespace: string) => DesiredCopies): void;
  select(namespaces: ReadonlySet<string>): void;
  /** Takes every copy that exists in a namespace (undefined: in any), as of a resourceVersion. */
  listed(namespace: string | undefined, copies: Iterable<OwnedCopy>, resourceVersion: string): void;
  /** A copy as the watch saw it. */
  seen(copy: OwnedCopy): void;
  /** A copy that the watch saw go, or lose its label. @param resourceVersion of the event */
  gone(copy: OwnedCopy, resourceVersion: string): void;
  stop(): void;
}

/**
 * Level-triggered, one namespace at a time: plan from what is desired and what is known, do the steps, look again.
 * Nothing is done before all three are known: what is desired, what is selected, what exists. A Secret of the same name
 * that is not a copy of this installation's is somebody else's: it is left alone and named in the log.
 * @param options.onReady called with true when a namespace holds every copy as it is to be, with false when it is known
 *   to hold something else: what somebody else wrote, somebody else's Secret, nothing where there was a copy, or no place
 *   for a key (a quota is used up, a right is missing). An earlier value of ours is no reason
 */
export function createCopyKeeper(options: {
  kubernetes: Kubernetes;
  installation: string;
  clock: Pick<Clock, 'sleep' | 'monotonicMs'>;
  log: Logger;
  onReady: (namespace: string, isReady: boolean) => void;
  ledger?: CopyLedger;
}): CopyKeeper {
  const { installation, clock, log, onReady } = options;
  const ledger = options.ledger ?? createCopyLedger();
  const writer = createCopyWriter(options.kubernetes, ledger, installation);
  const pace = createRepairPace(kubernetesBackoff, clock);
  const strayPace = createRepairPace(kubernetesBackoff, clock);
  const listed = new Set<string | undefined>();
  /** By namespace: failures in a row, and why the last one. */
  const setbacks = new Map<string, { failures: number; why: string }>();
  let desired: ((namespace: string) => DesiredCopies) | undefined;
  let selected: ReadonlySet<string> | undefined;

  /** Undefined as long as one of the three is unknown. */
  const wantedIn = (namespace: string): DesiredCopies | undefined => {
    const isListed = listed.has(undefined) || listed.has(namespace);
    if (desired === undefined || selected === undefined || !isListed) return undefined;
    return selected.has(namespace) ? desired(namespace) : nothing;
  };

  /** Says of a namespace that it is not ready as long as these steps are not done, where they would add a key. */
  const sayMissing = (namespace: string, steps: readonly CopyStep[]): void => {
    const known = new Map(ledger.of(namespace).map((copy) => [copy.name, copy]));
    if (steps.some((step) => addsKey(step, known.get(step.name)))) onReady(namespace, false);
  };

  /** Does what can be done: a copy that cannot be written holds up no other. Throws the gravest failure. */
  const writeAll = async (namespace: string, steps: readonly CopyStep[]): Promise<void> => {
    const failures: { step: CopyStep; err: unknown }[] = [];
    for (const step of steps) {
      await writer.write(namespace, step).catch((err: unknown) => failures.push({ step, err }));
    }
    const [first] = failures;
    if (first === undefined) return;
    sayMissing(
      namespace,
      failures.map(({ step }) => step),
    );
    throw (failures.find(({ err }) => isForeign(err)) ?? first).err;
  };

  /** Whether what somebody else did may be put right now; it is looked at again when it may. */
  const mayRepair = (namespace: string): boolean => {
    const waitMs = pace.waitMs(namespace);
    if (waitMs > 0) queue.addLater(namespace, waitMs);
    else if (pace.repaired(namespace) === promptRepairs) {
      log.warn({ namespace }, 'somebody changes or deletes the copies of global secrets again and again');
    }
    return waitMs === 0;
  };

  /** Whether the plan may be carried out now; says first what must not be given to pods until it is. */
  const mayGoOn = (namespace: string, { steps, forged, lost, foreign }: CopyPlan): boolean => {
    const isSpoilt = forged.length + lost.length > 0;
    if (isSpoilt || foreign.length > 0) onReady(namespace, false);
    // Else every event of a copy would have tried again what has just failed.
    const isResting = setbacks.has(namespace) && queue.isPausing(namespace);
    if (isResting) sayMissing(namespace, steps);
    return !isResting && (!isSpoilt || mayRepair(namespace));
  };

  /** The strays to delete now: some, so that other namespaces get their turn, and the more rarely the more come. */
  const straysNow = (namespace: string, strays: readonly CopyStep[]): readonly CopyStep[] => {
    if (strays.length === 0) return strays;
    const waitMs = strayPace.waitMs(namespace);
    if (waitMs > 0) queue.addLater(namespace, waitMs);
    else strayPace.repaired(namespace);
    return waitMs > 0 ? [] : strays.slice(0, straysPerLook);
  };

  const reconcile = async (namespace: string): Promise<void> => {
    const wanted = wantedIn(namespace);
    if (wanted === undefined) return;
    const plan = planCopies(wanted, ledger.take(namespace, wanted), installation);
    if (!mayGoOn(namespace, plan)) return;
    const steps = [...plan.steps, ...straysNow(namespace, plan.strays)];
    // Without a write nothing is waited for, so that what is said next is said of what is known now.
    if (steps.length > 0) await writeAll(namespace, steps);
    if (plan.foreign.length > 0) throw foreignCopy(namespace, plan.foreign);
    if (setbacks.delete(namespace)) log.info({ namespace }, 'copying the global secrets works again');
    // After a write it is looked again: the watch may have told of somebody else meanwhile.
    if (steps.length > 0) queue.add(namespace);
    else if (selected?.has(namespace) === true) onReady(namespace, true);
  };

  const retry = (namespace: string, err: unknown): void => {
    const { failures, why: before } = setbacks.get(namespace) ?? { failures: 0 };
    const why = isForeign(err)
      ? 'a Secret that is not ours has the name of a copy: rename or delete it'
      : 'copying the global secrets failed, trying again';
    setbacks.set(namespace, { failures: failures + 1, why });
    // It may last for days: the first of a kind is a warning.
    log[why === before ? 'debug' : 'warn']({ err, namespace, failures: failures + 1 }, why);
    queue.addLater(namespace, backoffMs(kubernetesBackoff, failures));
  };
  const queue = createNamespaceQueue(
    (namespace) => reconcile(namespace).catch((err: unknown) => retry(namespace, err)),
    clock,
  );
  /** Also where nothing is selected (any more) a copy may stand, from before this process began. */
  const addAll = (): void => {
    for (const namespace of new Set([...(selected ?? []), ...ledger.namespaces()])) queue.add(namespace);
  };

  /** Has the namespace looked at where something of ours is concerned; of anything else lets go of what went. */
  const heardOf = ({ namespace, name, installation: owner }: OwnedCopy): void => {
    const wanted = wantedIn(namespace);
    if (owner === installation || wanted?.has(name) === true) queue.add(namespace);
    else if (wanted !== undefined) ledger.take(namespace, wanted);
  };

  return {
    desire: (copiesOf) => {
      desired = copiesOf;
      addAll();
    },
    select: (namespaces) => {
      selected = namespaces;
      addAll();
    },
    listed: (namespace, copies, resourceVersion) => {
      ledger.listed(namespace, copies, resourceVersion);
      listed.add(namespace);
      addAll();
    },
    seen: (copy) => {
      ledger.seen(copy);
      heardOf(copy);
    },
    gone: (copy, resourceVersion) => {
      ledger.gone(copy, resourceVersion);
      heardOf(copy);
    },
    stop: queue.stop,
  };
}

/** Deletions of one look; the next one comes after those of all other namespaces that wait. */
const straysPerLook = 16;
const nothing: DesiredCopies = new Map();

const isForeign = (err: unknown): boolean => err instanceof LatchkeyError && err.code === 'KUBERNETES_EXISTS';

const foreignCopy = (namespace: string, names: readonly string[]): LatchkeyError =>
  new LatchkeyError(
    'KUBERNETES_EXISTS',
    `${names.join(', ')} in namespace ${namespace} ${names.length === 1 ? 'is a copy' : 'are copies'} of another installation of latchkey: let one of the two not select this namespace`,
  );
