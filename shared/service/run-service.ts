import { isDeepStrictEqual } from 'node:util';
import { type ConfigCheck, loadLatchkeyFile, watchLatchkeyFile } from '#shared/config/latchkey-file.ts';
import { type ProcessConfig, parseProcessConfig } from '#shared/config/process-config.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { anyAddress } from '#shared/runtime/any-address.ts';
import { systemClock } from '#shared/runtime/clock.ts';
import { exitCode } from '#shared/runtime/exit-code.ts';
import { createLog } from '#shared/runtime/log.ts';
import type { Telemetry } from '#shared/runtime/telemetry.ts';
import { createHealthServer } from './health-server.ts';
import { createLifecycle, type ProcessHandle, type Service } from './lifecycle.ts';
import type { ReadyService } from './ready-service.ts';
import type { ServiceContext } from './service-context.ts';
import { startServiceTelemetry } from './service-telemetry.ts';

/** Holds the part of `process` that a service uses. */
interface ServiceProcess extends ProcessHandle {
  env: Record<string, string | undefined>;
  stderr: { write(text: string): unknown };
}

/** Bounds an orderly stop; the manifests give terminationGracePeriodSeconds: 30. */
const stopDeadlineMs = 25_000;

/**
 * Runs one service as a process: configuration, telemetry, log, health server, lifecycle.
 * A wrong configuration is written to stderr, all fields at once, and ends the process with exit code 1.
 * @param check what the service refuses in a latchkey.yaml of the right shape
 */
export async function runService(
  name: string,
  host: ServiceProcess,
  create: (context: ServiceContext) => ReadyService | Promise<ReadyService>,
  check: ConfigCheck = () => [],
): Promise<void> {
  const configuration = await loadConfiguration(host, check);
  if (configuration === undefined) return;
  const { processConfig, config } = configuration;
  const telemetry = startServiceTelemetry(name, processConfig);
  const log = createLog({ service: name, level: processConfig.LOG_LEVEL });
  const context: ServiceContext = {
    process: processConfig,
    config,
    log,
    clock: systemClock,
    end: (code, why) => void lifecycle.end(code, why),
  };
  const service = withHealthServer(context, telemetry, create, check);
  const lifecycle = createLifecycle({ service, process: host, log, clock: systemClock, stopDeadlineMs });
  await lifecycle.run();
}

/** Wraps the service in its health server, which starts first and stops last, so that `/livez` tells the truth. */
function withHealthServer(
  context: ServiceContext,
  telemetry: Telemetry,
  create: (context: ServiceContext) => ReadyService | Promise<ReadyService>,
  check: ConfigCheck,
): Service {
  let service: ReadyService | undefined;
  let stopWatch = (): void => undefined;
  const health = createHealthServer({
    notReady: () => service?.notReady() ?? ['the service is starting'],
    remarks: () => service?.remarks?.() ?? [],
    metricsText: async () => {
      const own = await telemetry.metricsText();
      return (await service?.joinMetrics?.(own)) ?? own;
    },
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
      stopWatch = watchLatchkeyFile({ path, current: config, check, clock, log, onConfig: reconfigure });
    },
    stop: async () => {
      stopWatch();
      await service?.stop();
      await health.close();
      await telemetry.shutdown();
    },
  };
}

/** Reads both sources before it reports anything, so that an operator sees every wrong field at once. */
async function loadConfiguration(
  host: ServiceProcess,
  check: ConfigCheck,
): Promise<{ processConfig: ProcessConfig; config: LatchkeyConfig } | undefined> {
  const problems: string[] = [];
  const collect = (err: unknown): undefined => {
    if (!(err instanceof LatchkeyError) || err.code !== 'CONFIG_INVALID') throw err;
    problems.push(err.message);
  };
  const processConfig = await Promise.resolve(host.env).then(parseProcessConfig).catch(collect);
  const path = processConfig?.LATCHKEY_CONFIG ?? host.env.LATCHKEY_CONFIG;
  const config = path === undefined ? undefined : await loadLatchkeyFile(path, check).catch(collect);
  if (processConfig !== undefined && config !== undefined) return { processConfig, config };
  host.stderr.write(`${problems.join('\n')}\n`);
  host.exit(exitCode.failed);
  return undefined;
}
