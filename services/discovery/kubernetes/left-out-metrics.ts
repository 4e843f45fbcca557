import { metrics } from '@opentelemetry/api';

/** Creates the gauge of the Secrets that are left out, by the limit that they are above; observed at each scrape. */
export function createLeftOutMetrics(observe: () => Readonly<Record<string, number>>): void {
  metrics
    .getMeter('latchkey')
    .createObservableGauge('latchkey.secrets.left.out', {
      description: 'Secrets of selected namespaces omitted because they exceed a limit',
    })
    .addCallback((result) => {
      for (const [reason, count] of Object.entries(observe())) result.observe(count, { reason });
    });
}
