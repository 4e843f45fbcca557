import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#shared/runtime/clock.ts';

/**
 * Queues namespaces for reconciliation, one at a time, each once however often it is added. Between two of them the process
 * does what else there is to do: the renewal of its Lease must not wait for thousands.
 */
export interface NamespaceQueue {
  add(namespace: string): void;
  /** Adds it after a pause, unless one is in progress for it. */
  addLater(namespace: string, delayMs: number): void;
  /** Tells whether a pause is in progress for it. */
  isPausing(namespace: string): boolean;
  stop(): void;
}

/** @param reconcile never rejects */
export function createNamespaceQueue(
  reconcile: (namespace: string) => Promise<void>,
  clock: Pick<Clock, 'sleep'>,
): NamespaceQueue {
  const stopping = new AbortController();
  const waiting = new Set<string>();
  const pausing = new Set<string>();
  let working = false;

  const work = async (): Promise<void> => {
    if (working) return;
    working = true;
    for (const namespace of waiting) {
      waiting.delete(namespace);
      if (stopping.signal.aborted) break;
      await reconcile(namespace);
      await nextTurn();
    }
    working = false;
  };
  const add = (namespace: string): void => {
    waiting.add(namespace);
    void work();
  };

  return {
    add,
    addLater: (namespace, delayMs) => {
      if (pausing.has(namespace)) return;
      pausing.add(namespace);
      void clock.sleep(delayMs, stopping.signal).then(() => {
        pausing.delete(namespace);
        add(namespace);
      });
    },
    isPausing: (namespace) => pausing.has(namespace),
    stop: () => stopping.abort(),
  };
}
