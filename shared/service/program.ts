import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { loadLatchkeyFile, watchLatchkeyFile } from '#shared/config/latchkey-file.ts';
import { type ProcessConfig, parseProcessConfig } from '#shared/config/process-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import { anyAddress } from '#shared/runtime/any-address.ts';
import { type Clock, systemClock } from '#shared/runtime/clock.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { createLog } from '#shared/runtime/log.ts';
import { startTelemetry, type Telemetry } from '#shared/runtime/telemetry.ts';
import { createHealthServer } from './health.ts';
import { createLifecycle, type ProcessHandle, type Service } from './lifecycle.ts';

/** A service, its readiness, and what it does about a changed latchkey.yaml. */
export interface ReadyService extends Service {
  /** Why it is not ready, one sentence each. */
  notReady(): readonly string[];
  /** What is missing although it may be ready, one sentence each; shown by `/readyz`. */
  remarks?(): readonly string[];
  /** Takes a changed configuration into use; a service without this is ended, to be started again with it. */
  reconfigure?(config: LatchkeyConfig): void;
  /** The part of the configuration that it uses, by default all: a change of the rest does not end it. */
  concern?(config: LatchkeyConfig): unknown;
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
interface ProgramProcess extends ProcessHandle {
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
  host: ProgramProcess,
  create: (context: ProgramContext) => ReadyService | Promise<ReadyService>,
): Promise<void> {
  const configuration = await loadConfiguration(host);
  if (configuration === undefined) return;
  const { processConfig, config } = configuration;
  const telemetry = startTelemetry({
    service: name,
    instance: processConfig.POD_NAME,
    namespace: processConfig.POD_NAMESPACE,
    endpoint: processConfig.OTEL_EXPORTER_OTLP_ENDPOINT,
  });
  const log = createLog({ service: name, level: processConfig.LOG_LEVEL });
  const context: ProgramContext = {
    process: processConfig,
    config,
    log,
    clock: systemClock,
    end: (code, why) => void lifecycle.end(code, why),
  };
  const service = createProgramService(context, telemetry, create);
  const lifecycle = createLifecycle({ service, process: host, log, clock: systemClock, stopDeadlineMs });
  await lifecycle.run();
}

/** The health server stands before the service starts and until it has stopped, so that `/livez` tells the truth. */
function createProgramService(
  context: ProgramContext,
  telemetry: Telemetry,
  create: (context: ProgramContext) => ReadyService | Promise<ReadyService>,
): Service {
  let service: ReadyService | undefined;
  let stopWatch = (): void => undefined;
  const health = createHealthServer({
    notReady: () => service?.notReady() ?? ['the service is starting'],
    remarks: () => service?.remarks?.() ?? [],
    metricsText: telemetry.metricsText,
    clock: context.clock,
  });
  const isUntouched = (config: LatchkeyConfig): boolean =>
    service?.concern !== undefined &&
    isDeepStrictEqual(service.concern(context.config), service.concern(config));
  const reconfigure = (config: LatchkeyConfig): void => {
    if (service?.reconfigure !== undefined) service.reconfigure(config);
    else if (!isUntouched(config)) context.end(exitCode.reconfigured, 'configuration changed');
  };
  return {
    start: async () => {
      await health.listen({ host: anyAddress(), port: context.process.HEALTH_PORT });
      service = await create(context);
      await service.start();
      const { log, clock, config, process } = context;
      const path = process.LATCHKEY_CONFIG;
      stopWatch = watchLatchkeyFile({ path, current: config, clock, log, onConfig: reconfigure });
    },
    stop: async () => {
      stopWatch();
      await service?.stop();
      await health.close();
      await telemetry.shutdown();
    },
  };
}

/** Both sources are read before anything is reported, so that an operator sees every wrong field at once. */
async function loadConfiguration(
  host: ProgramProcess,
): Promise<{ processConfig: ProcessConfig; config: LatchkeyConfig } | undefined> {
  const problems: string[] = [];
  const collect = (err: unknown): undefined => {
    if (!(err instanceof LatchkeyError) || err.code !== 'CONFIG_INVALID') throw err;
    problems.push(err.message);
  };
  const processConfig = await Promise.resolve(host.env).then(parseProcessConfig).catch(collect);
  const path = processConfig?.LATCHKEY_CONFIG ?? host.env.LATCHKEY_CONFIG;
  const config = path === undefined ? undefined : await loadLatchkeyFile(path).catch(collect);
  if (processConfig !== undefined && config !== undefined) return { processConfig, config };
  host.stderr.write(`${problems.join('\n')}\n`);
  host.exit(exitCode.failed);
  return undefined;
}
