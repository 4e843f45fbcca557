import type { Logger } from 'pino';
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

/** Repeats a failed run with a growing delay, and every run once a minute. */
export function createReconcileLoop(options: {
  run: () => Promise<void>;
  log: Logger;
  clock: Clock;
}): ReconcileLoop {
  const { run, log, clock } = options;
  const stopped = new AbortController();
  let due = false;
  let failure: string | undefined;
  let failures = 0;
  let notify = (): void => undefined;
  const wake = (): void => {
    due = true;
    notify();
  };
  const stopTicking = clock.every(tickMs, wake);

  const runOnce = async (): Promise<void> => {
    try {
      await run();
      failure = undefined;
      failures = 0;
    } catch (err) {
      failure = err instanceof Error ? err.message : String(err);
      const delayMs = backoffMs(kubernetesBackoff, failures);
      failures += 1;
      log.warn({ err, delayMs }, 'reconciliation failed');
      await clock.sleep(delayMs, stopped.signal);
      due = true;
    }
  };
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      if (due) {
        due = false;
        await runOnce();
        await clock.sleep(pauseMs, stopped.signal);
      } else {
        await new Promise<void>((resolve) => {
          notify = resolve;
        });
      }
    }
  };
  const running = loop();

  return {
    wake,
    failure: () => failure,
    stop: async () => {
      stopTicking();
      stopped.abort();
      notify();
      await running;
    },
  };
}
