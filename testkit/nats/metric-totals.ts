import { startTelemetry } from '#shared/runtime/telemetry.ts';
import { readSamples, sumOf } from '#testkit/installation/read-samples.ts';

/** Reads the metrics of this process, which it counts from now on. */
export interface MetricTotals {
  /** Sums the samples of a metric that carry at least these labels. */
  total(name: string, labels?: Record<string, string>): Promise<number>;
  stop(): Promise<void>;
}

/** Starts counting; instruments made before count nothing. Once a process. */
export function startMetricTotals(): MetricTotals {
  const telemetry = startTelemetry({ service: 'test', instance: 'i', namespace: 'n', traces: undefined });
  return {
    total: async (name, labels) => sumOf(readSamples(await telemetry.metricsText()), name, labels),
    stop: () => telemetry.shutdown(),
  };
}
