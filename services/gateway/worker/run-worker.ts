import { parseProcessConfig } from '#shared/config/process-config.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { createLog } from '#shared/runtime/log.ts';
import { createLifecycle, type ProcessHandle } from '#shared/service/lifecycle.ts';
import { startServiceTelemetry } from '#shared/service/service-telemetry.ts';
import { toWorkerSchema } from '../workers/to-worker.ts';
import { createWorker } from './worker.ts';

/** Bounds an orderly stop: the primary, which waits for it, has 25 s. */
const stopDeadlineMs = 24_000;

/** Runs a worker as a process, for as long as the primary that has started it. */
export async function runWorker(host: NodeJS.Process): Promise<void> {
  const number = Number(host.argv[2]);
  const config = parseProcessConfig(host.env);
  const telemetry = startServiceTelemetry('gateway', config, `${config.POD_NAME}/${number}`);
  const log = createLog({ service: 'gateway', level: config.LOG_LEVEL }).child({ worker: number });
  const worker = createWorker({
    clock: systemClock,
    log,
    metricsText: telemetry.metricsText,
    send: (message) => void host.send?.(message),
    end: () => void lifecycle.end(exitCode.ok, 'drained by the primary'),
    // The lifecycle ends the process for it.
    fail: (err) => void Promise.reject(err),
  });
  const lifecycle = createLifecycle({
    service: {
      start: worker.start,
      stop: async () => {
        await worker.stop();
        await telemetry.shutdown();
      },
    },
    process: withoutSignals(host),
    log,
    clock: systemClock,
    stopDeadlineMs,
  });
  host.on('message', (message, handle) => worker.receive(toWorkerSchema.parse(message), handle));
  host.once('disconnect', () => host.exit(exitCode.failed));
  await lifecycle.run();
}

/** Leaves signals to the primary, which drains the workers: one to the process group comes here, too. */
const withoutSignals = (host: NodeJS.Process): ProcessHandle => ({
  on: (event, listener) => host.on(event, event.startsWith('SIG') ? () => undefined : listener),
  exit: (code) => host.exit(code),
});
