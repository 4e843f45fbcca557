import type { Logger } from 'pino';
import { type BackoffBounds, backoffMs, busBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';

/** A task that runs again and again until it is stopped, whatever goes wrong. */
export interface RetryLoop {
  /** Runs a round soon, though not before a pause after a failure is over. A call during a round is not lost. */
  wake(): void;
  /** Runs a round at once, also during a pause after a failure: what made it fail may be over. */
  retryNow(): void;
  /** Resolves when the round in progress is over; no other begins. */
  stop(): Promise<void>;
}

/**
 * Runs `round` at once, then `restMs()` after each success or when woken, and after a failure with growing pauses. The
 * first failure of a row is a warning, the rest debug, the recovery info: an outage of hours is two lines.
 */
export function startRetryLoop(options: {
  round(): Promise<void>;
  restMs(): number;
  /** Pauses after failures; those of the bus by default. */
  backoff?: BackoffBounds;
  log: Logger;
  clock: Clock;
}): RetryLoop {
  const { round, restMs, backoff = busBackoff, log, clock } = options;
  let stopped = false;
  let woken = false;
  let interrupt = () => {};
  let failures = 0;
  /** Failures since something gave hope; the pauses grow with it. */
  let setbacks = 0;

  const rest = async (ms: number) => {
    const controller = new AbortController();
    interrupt = () => controller.abort();
    await clock.sleep(ms, controller.signal);
    interrupt = () => {};
  };

  async function attempt(): Promise<void> {
    try {
      woken = false;
      await round();
      if (failures > 0) log.info({ failures }, 'works again');
      failures = 0;
      setbacks = 0;
    } catch (err) {
      failures += 1;
      setbacks += 1;
      log[failures === 1 ? 'warn' : 'debug']({ err, failures }, 'failed, trying again');
    }
  }

  async function run(): Promise<void> {
    while (!stopped) {
      await attempt();
      if (stopped) return;
      if (setbacks > 0) await rest(backoffMs(backoff, setbacks - 1));
      else if (!woken) await rest(restMs());
    }
  }
  const running = run();

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
      stopped = true;
      interrupt();
      await running;
    },
  };
}
