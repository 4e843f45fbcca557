import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TraceSampling } from './trace-sampling.ts';
import { version } from './version.ts';

const exportDelayMs = 500;
const exportTimeoutMs = 5_000;

/** What a process needs of the OpenTelemetry SDK; everything else uses `@opentelemetry/api` only. */
export interface Telemetry {
  /** The metrics in the Prometheus text format. */
  metricsText(): Promise<string>;
  /** Sends what is left and stops; safe to call twice. */
  shutdown(): Promise<void>;
}

/** Where spans go, and which. */
interface TraceExport extends TraceSampling {
  /** Base URL of the OTLP receiver; `/v1/traces` is appended, as the OTLP specification says. */
  endpoint: string;
}

/**
 * Starts the SDK: W3C trace context always, spans exported over OTLP/HTTP where `traces` says so (silent otherwise),
 * metrics for `/metrics`. Call it once, before any span is made.
 */
export function startTelemetry(options: {
  service: string;
  instance: string;
  namespace: string;
  traces: TraceExport | undefined;
}): Telemetry {
  const resource = resourceFromAttributes({
    'service.name': `latchkey-${options.service}`,
    'service.version': version,
    'service.instance.id': options.instance,
    'k8s.namespace.name': options.namespace,
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const tracers = options.traces === undefined ? undefined : createTracerProvider(resource, options.traces);
  if (tracers !== undefined) trace.setGlobalTracerProvider(tracers);
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meters = new MeterProvider({ resource, readers: [reader] });
  metrics.setGlobalMeterProvider(meters);
  const serializer = new PrometheusSerializer();
  let stopped: Promise<void> | undefined;
  return {
    metricsText: async () => serializer.serialize((await reader.collect()).resourceMetrics),
    shutdown: () => {
      stopped ??= Promise.allSettled([tracers?.shutdown(), meters.shutdown()]).then(() => undefined);
      return stopped;
    },
  };
}

function createTracerProvider(
  resource: ReturnType<typeof resourceFromAttributes>,
  traces: TraceExport,
): TracerProvider {
  const url = `${traces.endpoint.replace(/\/$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: exportTimeoutMs });
  const processor = new BatchSpanProcessor({
    exporter,
    scheduledDelayMillis: exportDelayMs,
    exportTimeoutMillis: exportTimeoutMs,
  });
  return new TracerProvider({ resource, spanProcessors: [processor], sampler: createSampler(traces) });
}

/** Creates the sampler of a name; the SDK itself reads no environment variable. */
function createSampler({ sampler, ratio }: TraceSampling): Sampler {
  const byName: Readonly<Record<TraceSampling['sampler'], () => Sampler>> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(ratio),
    parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
    parentbased_traceidratio: () => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
  };
  return byName[sampler]();
}
