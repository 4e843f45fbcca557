import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { backoffMs, kubernetesBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** Runs a task again whenever something may have changed, one at a time. */
export interface ReconcileLoop {
  /** Asks for a run; several requests before it begins are one. */
  wake(): void;
  /** Why the last run failed. */
  failure(): string | undefined;
  stop(): Promise<void>;
}

/** At least between two runs, so that a fight with another writer over one object stays slow. */
const pauseMs = 250;
/** Certificates grow old by the wall clock, also while no timer of theirs could run (sleep, suspend). */
const tickMs = 60_000;

/** The part of the delay after a failure that a wake does not end. */
const deafMs = 1_000;

/** Lost in a row: after that something else is wrong, for example that there is no such namespace. */
const mostRaces = 3;

/**
 * Begins at once. Repeats a failed run with a growing delay, which a wake cuts short, and every run after the time that it returns, ms, or a
 * minute. That another writer came first is no failure.
 */
export function createReconcileLoop(options: {
  run: () => Promise<number | undefined>;
  log: Logger;
  clock: Clock;
}): ReconcileLoop {
  const { run, log, clock } = options;
  const stopped = new AbortController();
  let woken = new AbortController();
  let failure: string | undefined;
  let failures = 0;
  let races = 0;

  /** Returns the time until the next run, ms. */
  const runOnce = async (): Promise<number> => {
    try {
      const restMs = (await run()) ?? tickMs;
      failure = undefined;
      failures = 0;
      races = 0;
      return restMs;
    } catch (err) {
      if (isRace(err) && races < mostRaces) {
        races += 1;
        return 0;
      }
      failure = err instanceof Error ? err.message : String(err);
      const delayMs = backoffMs(kubernetesBackoff, failures);
      failures += 1;
      log.warn({ err, delayMs }, 'reconciliation failed');
      await clock.sleep(Math.min(delayMs, deafMs), stopped.signal);
      return delayMs - deafMs;
    }
  };
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      woken = new AbortController();
      const restMs = await runOnce();
      await clock.sleep(pauseMs, stopped.signal);
      if (restMs > pauseMs)
        await clock.sleep(restMs - pauseMs, AbortSignal.any([woken.signal, stopped.signal]));
    }
  };
  const running = loop();

  return {
    wake: () => woken.abort(),
    failure: () => failure,
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}

const isRace = (err: unknown): boolean =>
  err instanceof LatchkeyError &&
  ['KUBERNETES_CONFLICT', 'KUBERNETES_EXISTS', 'KUBERNETES_NOT_FOUND'].includes(err.code);
