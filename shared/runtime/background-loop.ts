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
  const row = new FailureRow(name, backoff, log);
  const recovered = (): void => row.end();

  /** Returns the pause before the next run, ms. */
  async function runOnce(): Promise<number> {
    woken = false;
    try {
      const restMs = await options.run({ signal: stopped.signal, recovered });
      recovered();
      return woken ? 0 : restMs;
    } catch (err) {
      return stopped.signal.aborted ? 0 : row.note(err);
    }
  }

  async function rest(ms: number): Promise<void> {
    const controller = new AbortController();
    interrupt = () => {
      // Once: each abort makes an error with its stack, and a burst of changes wakes a loop as often as it has changes.
      interrupt = () => {};
      controller.abort();
    };
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
      if (!row.lasts()) interrupt();
    },
    retryNow() {
      woken = true;
      row.hope();
      interrupt();
    },
    async stop() {
      stopped.abort();
      interrupt();
      await running;
    },
  };
}

/** Failures without a success between them: the first is a warning, the rest debug, the recovery info. */
class FailureRow {
  readonly #name: string;
  readonly #backoff: NonNullable<LoopOptions['backoff']>;
  readonly #log: Logger;
  #failures = 0;
  /** Failures since something gave hope; the pauses grow with it. */
  #setbacks = 0;

  constructor(name: string, backoff: NonNullable<LoopOptions['backoff']>, log: Logger) {
    this.#name = name;
    this.#backoff = backoff;
    this.#log = log;
  }

  lasts(): boolean {
    return this.#failures > 0;
  }

  /** Lets the pauses grow from the start again. */
  hope(): void {
    this.#setbacks = 0;
  }

  end(): void {
    if (this.lasts()) this.#log.info({ failures: this.#failures }, `${this.#name} works again`);
    this.#failures = 0;
    this.#setbacks = 0;
  }

  /** Notes a failure; returns the pause after it, ms. */
  note(err: unknown): number {
    this.#failures += 1;
    this.#setbacks += 1;
    const delayMs = this.#pauseAfter(err);
    const failures = this.#failures;
    this.#log[failures === 1 ? 'warn' : 'debug'](
      { err, failures, delayMs },
      `${this.#name} failed, retrying`,
    );
    return delayMs;
  }

  #pauseAfter(err: unknown): number {
    const backoff = this.#backoff;
    return typeof backoff === 'function'
      ? backoff(err, this.#setbacks)
      : backoffMs(backoff, this.#setbacks - 1);
  }
}
