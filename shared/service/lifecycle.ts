import type { Logger } from 'pino';
import type { Clock } from '#shared/runtime/clock.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';

/** Runs in a process: `start` resolves when it serves, `stop` when nothing is in flight any more. */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Bounds the flush of the last log lines: longer means that nobody reads them. */
const logFlushMs = 1_000;

/** Holds the part of `process` that a lifecycle listens to and ends. */
export interface ProcessHandle {
  on(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): void;
}

/**
 * Runs a service until a signal or a failure ends it. SIGTERM and SIGINT stop it in order, a second signal exits at once
 * (130), and a stop longer than `stopDeadlineMs` exits 124. After an unexpected failure the process stops and exits 1: it
 * never continues in an unknown state.
 */
export function createLifecycle(options: {
  service: Service;
  process: ProcessHandle;
  log: Logger;
  clock: Clock;
  /** Must be below the pod's terminationGracePeriodSeconds. */
  stopDeadlineMs: number;
}): { run(): Promise<void>; end(code: number, why: string): Promise<void> } {
  const { service, log, clock } = options;
  let state: 'running' | 'stopping' | 'stopped' = 'running';

  const end = async (code: number, why: string): Promise<void> => {
    if (state !== 'running') return;
    state = 'stopping';
    log.info({ why, code }, 'service stopping');
    const outcome = await Promise.race([
      service.stop().then(
        () => code,
        (err: unknown) => {
          log.error({ err }, 'service stop failed');
          return exitCode.failed;
        },
      ),
      clock.sleep(options.stopDeadlineMs).then(() => exitCode.deadline),
    ]);
    state = 'stopped';
    log.info({ code: outcome }, 'service stopped');
    await Promise.race([new Promise((resolve) => log.flush(resolve)), clock.sleep(logFlushMs)]);
    options.process.exit(outcome);
  };

  const onSignal = (signal: string): void => {
    if (state === 'stopping') options.process.exit(exitCode.secondSignal);
    else void end(exitCode.ok, signal);
  };
  const onFailure = (err: unknown): void => {
    log.fatal({ err }, 'unexpected failure');
    void end(exitCode.failed, 'unexpected failure');
  };

  return {
    end,
    run: async () => {
      options.process.on('SIGTERM', () => onSignal('SIGTERM'));
      options.process.on('SIGINT', () => onSignal('SIGINT'));
      options.process.on('uncaughtException', onFailure);
      options.process.on('unhandledRejection', onFailure);
      try {
        await service.start();
        log.info('service started');
      } catch (err) {
        onFailure(err);
      }
    },
  };
}
