import type { Logger } from 'pino';
import type { Clock } from '#shared/runtime/clock.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';

/** What a process runs. `start` resolves when it serves, `stop` when nothing is in flight any more. */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}

type LifecycleState = 'starting' | 'running' | 'stopping' | 'stopped';

/** How long the last lines of the log may take: longer means that nobody reads it. */
const logFlushMs = 1_000;

/** The part of `process` that a lifecycle listens to and ends. */
export interface ProcessHandle {
  on(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): void;
}

/**
 * Runs a service until a signal or a failure ends it. SIGTERM and SIGINT stop it in order, a second one exits at once
 * (130), a stop longer than `stopDeadlineMs` exits 124. After an unexpected failure the process never goes on in an
 * unknown state: it stops and exits 1.
 */
export function createLifecycle(options: {
  service: Service;
  process: ProcessHandle;
  log: Logger;
  clock: Clock;
  /** Below the pod's terminationGracePeriodSeconds. */
  stopDeadlineMs: number;
}): { run(): Promise<void>; end(code: number, why: string): Promise<void>; state(): LifecycleState } {
  const { service, log, clock } = options;
  let state: LifecycleState = 'starting';

  const end = async (code: number, why: string): Promise<void> => {
    if (state === 'stopping' || state === 'stopped') return;
    state = 'stopping';
    log.info({ why, code }, 'stopping');
    const outcome = await Promise.race([
      service.stop().then(
        () => code,
        (err: unknown) => {
          log.error({ err }, 'stop failed');
          return exitCode.failed;
        },
      ),
      clock.sleep(options.stopDeadlineMs).then(() => exitCode.deadline),
    ]);
    state = 'stopped';
    log.info({ code: outcome }, 'stopped');
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
    state: () => state,
    end,
    run: async () => {
      options.process.on('SIGTERM', () => onSignal('SIGTERM'));
      options.process.on('SIGINT', () => onSignal('SIGINT'));
      options.process.on('uncaughtException', onFailure);
      options.process.on('unhandledRejection', onFailure);
      try {
        await service.start();
        if (state === 'starting') state = 'running';
        log.info('started');
      } catch (err) {
        onFailure(err);
      }
    },
  };
}
