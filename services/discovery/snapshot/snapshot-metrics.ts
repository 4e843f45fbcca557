import { metrics } from '@opentelemetry/api';

/** Creates the gauges of the snapshot of the rules that discovery keeps; observed at each scrape. */
export function createSnapshotMetrics(
  observe: () => { unsavedMs: number; bytes: number; leftOut: number },
): void {
  const meter = metrics.getMeter('latchkey');
  meter
    .createObservableGauge('latchkey.snapshot.unsaved.seconds', {
      description: 'Seconds since the snapshot last contained all rules in effect, 0 while it does',
    })
    .addCallback((result) => result.observe(observe().unsavedMs / 1_000));
  meter
    .createObservableGauge('latchkey.snapshot.left.out', {
      description: 'Namespaces, or whole managers, omitted because their rules do not fit into the snapshot',
    })
    .addCallback((result) => result.observe(observe().leftOut));
  meter
    .createObservableGauge('latchkey.snapshot.bytes', {
      description: 'Size of the desired snapshot of the rules, at most 3,600 KiB',
    })
    .addCallback((result) => result.observe(observe().bytes));
}
