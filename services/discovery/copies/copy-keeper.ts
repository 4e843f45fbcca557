import type { Logger } from 'pino';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { backoffMs, kubernetesBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createRepairPace, promptRepairs } from '#shared/runtime/repair-pace.ts';
import { type CopyLedger, createCopyLedger } from './copy-ledger.ts';
import { addsKey, type CopyStep, type OwnedCopy, planCopies } from './copy-plan.ts';
import { createCopyScope } from './copy-scope.ts';
import { createCopySetbacks, foreignCopies, isForeign } from './copy-setbacks.ts';
import { type CopyTurn, planTurn } from './copy-turn.ts';
import { createCopyWriter } from './copy-writer.ts';
import type { DesiredCopies } from './desired-copy.ts';
import { createNamespaceQueue } from './namespace-queue.ts';
import type { CopiesByNamespace } from './share-copies.ts';

/** Keeps the copies of the global secrets in every selected namespace equal to the desired ones. */
export interface CopyKeeper {
  /** @param copies those that a namespace is to hold; asked at every event of a copy */
  desire(copies: CopiesByNamespace): void;
  /** @param changed the namespaces that came or went since the last time, or more: they alone are looked at again */
  select(namespaces: ReadonlySet<string>, changed: Iterable<string>): void;
  /** Takes every copy that exists in a namespace (undefined: in any), as of a resourceVersion. */
  listed(namespace: string | undefined, copies: Iterable<OwnedCopy>, resourceVersion: string): void;
  /** Takes a copy as the watch saw it. */
  seen(copy: OwnedCopy): void;
  /** Takes a copy that the watch saw go, or lose its label. @param resourceVersion of the event */
  gone(copy: OwnedCopy, resourceVersion: string): void;
  stop(): void;
}

interface CopyKeeperOptions {
  kubernetes: Kubernetes;
  installation: string;
  clock: Pick<Clock, 'sleep' | 'monotonicMs'>;
  log: Logger;
  /**
   * Called with true when a namespace holds every desired copy. Called with false when it is known to hold something else:
   * what somebody else wrote, somebody else's Secret, nothing where there was a copy, or no place for a key (a quota is
   * used up, a right is missing). An earlier value of ours is no reason.
   */
  onReady: (namespace: string, isReady: boolean) => void;
  ledger?: CopyLedger;
}

/**
 * Reconciles one namespace at a time: plan from what is desired and known, carry out the steps, look again. Nothing is
 * done before the desired copies, the selection and the existing copies are known. A Secret of the same name that is not a
 * copy of this installation is left alone and named in the log.
 */
export function createCopyKeeper(options: CopyKeeperOptions): CopyKeeper {
  const { installation, clock, log, onReady } = options;
  const ledger = options.ledger ?? createCopyLedger();
  const scope = createCopyScope();
  const setbacks = createCopySetbacks(log);
  const writeAll = writeCopies(options, ledger);
  const pace = createTurnPace(clock, log);

  /** Plans a turn, and says at once when pods must not refer to the copies until it is carried out. */
  const begin = (namespace: string, desired: DesiredCopies) => {
    const plan = planCopies(desired, ledger.take(namespace, desired), installation);
    const isResting = setbacks.has(namespace) && queue.isPausing(namespace);
    const turn = planTurn(plan, { isResting, ...pace.limits(namespace) });
    if (turn.isSpoilt || (isResting && lacksKey(ledger, namespace, plan.steps))) onReady(namespace, false);
    if (turn.againInMs !== undefined) queue.addLater(namespace, turn.againInMs);
    return { turn, foreign: plan.foreign };
  };
  const reconcile = async (namespace: string): Promise<void> => {
    const desired = scope.desiredIn(namespace);
    if (desired === undefined) return;
    const { turn, foreign } = begin(namespace, desired);
    if (turn.steps === undefined) return;
    pace.note(namespace, turn);
    // Nothing is awaited without a write, so that readiness is that of the copies known now.
    if (turn.steps.length > 0) await writeAll(namespace, turn.steps);
    if (foreign.length > 0) throw foreignCopies(namespace, foreign);
    setbacks.succeeded(namespace);
    // A write is followed by another turn, since the watch may have brought another writer's change meanwhile.
    if (turn.steps.length > 0) queue.add(namespace);
    else if (scope.selected().has(namespace)) onReady(namespace, true);
  };
  const retry = (namespace: string, err: unknown): void =>
    queue.addLater(namespace, backoffMs(kubernetesBackoff, setbacks.failed(namespace, err)));
  const queue = createNamespaceQueue(
    (namespace) => reconcile(namespace).catch((err: unknown) => retry(namespace, err)),
    clock,
  );
  return { ...feedQueue({ installation, ledger, scope, add: queue.add }), stop: queue.stop };
}

/** Hands what becomes known to the ledger and the scope, and queues the namespaces that it concerns. */
function feedQueue(options: {
  installation: string;
  ledger: CopyLedger;
  scope: ReturnType<typeof createCopyScope>;
  add(namespace: string): void;
}): Omit<CopyKeeper, 'stop'> {
  const { installation, ledger, scope, add } = options;
  /** Includes namespaces that are not selected (any more): an earlier process may have left copies there. */
  const addAll = (): void => {
    for (const namespace of new Set([...scope.selected(), ...ledger.namespaces()])) add(namespace);
  };
  /** Queues the namespace of a copy of ours; drops from the ledger what went of anything else. */
  const heardOf = ({ namespace, name, installation: owner }: OwnedCopy): void => {
    const desired = scope.desiredIn(namespace);
    if (owner === installation || desired?.has(name) === true) add(namespace);
    else if (desired !== undefined) ledger.take(namespace, desired);
  };
  return {
    desire: (copies) => {
      scope.desire(copies);
      addAll();
    },
    select: (namespaces, changed) => {
      const isFirst = !scope.isSelected();
      scope.select(namespaces, changed);
      if (isFirst) addAll();
      else for (const namespace of changed) add(namespace);
    },
    listed: (namespace, copies, resourceVersion) => {
      ledger.listed(namespace, copies, resourceVersion);
      scope.listed(namespace);
      if (namespace === undefined) addAll();
      else add(namespace);
    },
    seen: (copy) => {
      ledger.seen(copy);
      heardOf(copy);
    },
    gone: (copy, resourceVersion) => {
      ledger.gone(copy, resourceVersion);
      heardOf(copy);
    },
  };
}

/** Paces the repairs and the deletions of strays of each namespace. */
function createTurnPace(clock: Pick<Clock, 'monotonicMs'>, log: Logger) {
  const repairs = createRepairPace(kubernetesBackoff, clock);
  const strays = createRepairPace(kubernetesBackoff, clock);
  return {
    limits: (namespace: string) => ({
      repairWaitMs: repairs.waitMs(namespace),
      strayWaitMs: strays.waitMs(namespace),
    }),
    note: (namespace: string, { isRepair, deletesStrays }: CopyTurn): void => {
      if (isRepair && repairs.repaired(namespace) === promptRepairs) {
        log.warn({ namespace }, 'somebody changes or deletes the copies of global secrets again and again');
      }
      if (deletesStrays) strays.repaired(namespace);
    },
  };
}

/**
 * Carries out as many steps as possible: a copy that cannot be written holds up no other.
 * @throws the failure of the step that somebody else's Secret prevents, else the first one
 */
function writeCopies(options: CopyKeeperOptions, ledger: CopyLedger) {
  const writer = createCopyWriter(options.kubernetes, ledger, options.installation);
  return async (namespace: string, steps: readonly CopyStep[]): Promise<void> => {
    const failures: { step: CopyStep; err: unknown }[] = [];
    for (const step of steps) {
      await writer.write(namespace, step).catch((err: unknown) => failures.push({ step, err }));
    }
    const [first] = failures;
    if (first === undefined) return;
    const undone = failures.map(({ step }) => step);
    if (lacksKey(ledger, namespace, undone)) options.onReady(namespace, false);
    throw (failures.find(({ err }) => isForeign(err)) ?? first).err;
  };
}

/** Tells whether a key is missing in a namespace as long as these steps are not carried out. */
function lacksKey(ledger: CopyLedger, namespace: string, steps: readonly CopyStep[]): boolean {
  const known = new Map(ledger.of(namespace).map((copy) => [copy.name, copy]));
  return steps.some((step) => addsKey(step, known.get(step.name)));
}
