import type { ProcessConfig } from '#shared/config/process-config.ts';
import { startTelemetry, type Telemetry } from '#shared/runtime/telemetry.ts';

/**
 * Starts the telemetry of a service as its environment says.
 * @param instance tells processes of the service apart
 */
export function startServiceTelemetry(
  service: string,
  config: ProcessConfig,
  instance: string = config.POD_NAME,
): Telemetry {
  const { POD_NAMESPACE: namespace, OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } = config;
  const { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: ratio } = config;
  // Without an endpoint nobody receives spans.
  const traces = endpoint === undefined ? undefined : { endpoint, sampler, ratio };
  return startTelemetry({ service, instance, namespace, traces });
}
