import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type BackgroundRun, startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import { backoffMs, kubernetesBackoff } from '#shared/runtime/backoff.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** Reconciles again whenever something may have changed, one run at a time. */
export interface ReconcileLoop {
  /** Requests a run; several requests before it begins are one. */
  wake(): void;
  /** Returns why the last run failed, or undefined. */
  failure(): string | undefined;
  stop(): Promise<void>;
}

/** Passes at least between two runs, so that a fight with another writer over one object stays slow. */
const pauseMs = 250;
/** Reconciles at least this often: certificates age by the wall clock, also while no timer runs (sleep, suspend). */
const tickMs = 60_000;
/** Passes after a failure before a wake can end the delay. */
const pauseAfterFailureMs = 1_000;
/** Counts a lost race as a failure from the fourth in a row on: then something else is wrong, like a missing namespace. */
const mostRaces = 3;

/**
 * Starts a loop whose first run begins at once. The next follows after the time that a run returns, ms, or a minute. A
 * failed run is repeated after a growing delay, which a wake cuts short. A write that another writer preceded is no failure.
 */
export function createReconcileLoop(options: {
  run: () => Promise<number | undefined>;
  log: Logger;
  clock: Clock;
}): ReconcileLoop {
  const { run, log, clock } = options;
  let failure: string | undefined;
  let isWoken = false;
  let races = 0;

  const runOnce = async ({ signal }: BackgroundRun): Promise<number> => {
    isWoken = false;
    let restMs = 0;
    try {
      restMs = (await run()) ?? tickMs;
      failure = undefined;
      races = 0;
    } catch (err) {
      if (!isRace(err) || races === mostRaces) {
        failure = err instanceof Error ? err.message : String(err);
        await clock.sleep(pauseAfterFailureMs, signal);
        throw err;
      }
      races += 1;
    }
    await clock.sleep(pauseMs, signal);
    return Math.max(0, restMs - pauseMs);
  };
  const loop = startBackgroundLoop({
    name: 'reconciliation',
    run: runOnce,
    backoff: (_, failures) =>
      isWoken ? 0 : backoffMs(kubernetesBackoff, failures - 1) - pauseAfterFailureMs,
    log,
    clock,
  });

  return {
    wake: () => {
      isWoken = true;
      loop.retryNow();
    },
    failure: () => failure,
    stop: () => loop.stop(),
  };
}

const isRace = (err: unknown): boolean =>
  err instanceof LatchkeyError &&
  ['KUBERNETES_CONFLICT', 'KUBERNETES_EXISTS', 'KUBERNETES_NOT_FOUND'].includes(err.code);
