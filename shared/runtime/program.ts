import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import { type Clock, systemClock } from './clock.ts';
import { exitCode } from './exit-code.ts';
import { createHealthServer } from './health.ts';
import { loadLatchkeyFile } from './latchkey-file.ts';
import { createLifecycle, type ProcessHandle, type Service } from './lifecycle.ts';
import { createLog } from './log.ts';
import { type ProcessConfig, parseProcessConfig } from './process-config.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';

/** A service and its readiness. */
export interface ReadyService extends Service {
  /** Why it is not ready, one sentence each. */
  notReady(): readonly string[];
}

/** What every service is made of; `end` stops the process in order with an exit code of its own. */
export interface ProgramContext {
  process: ProcessConfig;
  config: LatchkeyConfig;
  log: Logger;
  clock: Clock;
  end(code: number, why: string): void;
}

/** The part of `process` that a program uses. */
export interface ProgramProcess extends ProcessHandle {
  env: Record<string, string | undefined>;
  stderr: { write(text: string): unknown };
}

/** Longest orderly stop; the manifests give terminationGracePeriodSeconds: 30. */
const stopDeadlineMs = 25_000;

/**
 * Runs one service as a process: configuration, telemetry, log, health server, lifecycle.
 * A wrong configuration is written to stderr, all fields at once, and ends the process with exit code 1.
 */
export async function runProgram(
  name: string,
  process: ProgramProcess,
  create: (context: ProgramContext) => ReadyService | Promise<ReadyService>,
): Promise<void> {
  const configuration = await loadConfiguration(process);
  if (configuration === undefined) return;
  const { processConfig, config } = configuration;
  const telemetry = startTelemetry({
    service: name,
    instance: processConfig.POD_NAME,
    namespace: processConfig.POD_NAMESPACE,
    endpoint: processConfig.OTEL_EXPORTER_OTLP_ENDPOINT,
  });
  const log = createLog({ service: name, level: processConfig.LOG_LEVEL });
  let end: ProgramContext['end'] = () => undefined;
  const service = await create({
    process: processConfig,
    config,
    log,
    clock: systemClock,
    end: (code, why) => end(code, why),
  });
  const health = createHealthServer({ notReady: service.notReady, metricsText: telemetry.metricsText });
  const lifecycle = createLifecycle({
    service: withHealth(service, health, telemetry, processConfig.HEALTH_PORT),
    process,
    log,
    clock: systemClock,
    stopDeadlineMs,
  });
  end = (code, why) => void lifecycle.end(code, why);
  await lifecycle.run();
}

/** The health server stands before the service starts and until it has stopped, so that `/livez` tells the truth. */
function withHealth(service: Service, health: FastifyInstance, telemetry: Telemetry, port: number): Service {
  return {
    start: async () => {
      await health.listen({ host: '0.0.0.0', port });
      await service.start();
    },
    stop: async () => {
      await service.stop();
      await health.close();
      await telemetry.shutdown();
    },
  };
}

async function loadConfiguration(
  process: ProgramProcess,
): Promise<{ processConfig: ProcessConfig; config: LatchkeyConfig } | undefined> {
  const problems: string[] = [];
  const collect = (err: unknown): undefined => {
    if (!(err instanceof LatchkeyError) || err.code !== 'CONFIG_INVALID') throw err;
    problems.push(err.message);
  };
  let processConfig: ProcessConfig | undefined;
  try {
    processConfig = parseProcessConfig(process.env);
  } catch (err) {
    collect(err);
  }
  const path = processConfig?.LATCHKEY_CONFIG ?? process.env.LATCHKEY_CONFIG;
  const config = path === undefined ? undefined : await loadLatchkeyFile(path).catch(collect);
  if (processConfig !== undefined && config !== undefined) return { processConfig, config };
  process.stderr.write(`${problems.join('\n')}\n`);
  process.exit(exitCode.failed);
  return undefined;
}
