import type { Logger } from 'pino';
import { type BackoffBounds, backoffMs, busBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';

/** A task that runs again and again until it is stopped, whatever goes wrong. */
export interface BackgroundLoop {
  /** Starts a run soon, though not before a pause after a failure is over. A call during a run is not lost. */
  wake(): void;
  /** Starts a run at once, also during a pause after a failure: what made it fail may be over. */
  retryNow(): void;
  /** Resolves when the run in progress is over; no other begins. */
  stop(): Promise<void>;
}

/** What a run is given. */
export interface BackgroundRun {
  /** Aborted when the loop is stopped; what a run throws from then on is no failure. */
  signal: AbortSignal;
  /** Ends the row of failures before the run ends, for a run that lasts as long as all goes well. */
  recovered(): void;
}

interface LoopOptions {
  /** Subject of the log lines: '<name> failed, retrying' and '<name> works again'. */
  name: string;
  /** One run; resolves to the pause before the next, ms. */
  run(current: BackgroundRun): Promise<number>;
  /** Pauses after failures, growing within bounds (those of the bus by default) or computed, ms. */
  backoff?: BackoffBounds | ((err: unknown, failures: number) => number);
  log: Logger;
  clock: Clock;
}

/**
 * Repeats `run`, beginning at once: after the pause that it returns or when woken, and after a failure with growing
 * pauses. The first failure of a row is a warning, the rest debug, the recovery info: an outage of hours is two lines.
 */
export function startBackgroundLoop(options: LoopOptions): BackgroundLoop {
  const { name, backoff = busBackoff, log, clock } = options;
  const stopped = new AbortController();
  let woken = false;
  let interrupt = () => {};
  let failures = 0;
  /** Failures since something gave hope; the pauses grow with it. */
  let setbacks = 0;

  const recovered = (): void => {
    if (failures > 0) log.info({ failures }, `${name} works again`);
    failures = 0;
    setbacks = 0;
  };
  const pauseAfter = (err: unknown): number =>
    typeof backoff === 'function' ? backoff(err, setbacks) : backoffMs(backoff, setbacks - 1);

  /** Returns the pause before the next run, ms. */
  async function runOnce(): Promise<number> {
    woken = false;
    try {
      const restMs = await options.run({ signal: stopped.signal, recovered });
      recovered();
      return woken ? 0 : restMs;
    } catch (err) {
      if (stopped.signal.aborted) return 0;
      failures += 1;
      setbacks += 1;
      const delayMs = pauseAfter(err);
      log[failures === 1 ? 'warn' : 'debug']({ err, failures, delayMs }, `${name} failed, retrying`);
      return delayMs;
    }
  }

  async function rest(ms: number): Promise<void> {
    const controller = new AbortController();
    interrupt = () => controller.abort();
    await clock.sleep(ms, controller.signal);
    interrupt = () => {};
  }

  async function repeat(): Promise<void> {
    while (!stopped.signal.aborted) {
      const restMs = await runOnce();
      if (restMs > 0 && !stopped.signal.aborted) await rest(restMs);
    }
  }
  const running = repeat();

  return {
    wake() {
      woken = true;
      if (failures === 0) interrupt();
    },
    retryNow() {
      woken = true;
      setbacks = 0;
      interrupt();
    },
    async stop() {
      stopped.abort();
      interrupt();
      await running;
    },
  };
}
