import { metrics } from '@opentelemetry/api';

/** Creates the gauges of the snapshot of the rules that discovery keeps; observed at each scrape. */
export function createSnapshotMetrics(
  observe: () => { unsavedMs: number; bytes: number; leftOut: number },
): void {
  const meter = metrics.getMeter('latchkey');
  meter
    .createObservableGauge('latchkey.snapshot.unsaved.seconds', {
      description: 'Seconds for which rules in force have not been in the snapshot, 0 while all are',
    })
    .addCallback((result) => result.observe(observe().unsavedMs / 1_000));
  meter
    .createObservableGauge('latchkey.snapshot.left.out', {
      description: 'Namespaces, or whole managers, whose rules do not fit into the snapshot and are left out',
    })
    .addCallback((result) => result.observe(observe().leftOut));
  meter
    .createObservableGauge('latchkey.snapshot.bytes', {
      description: 'Size of the snapshot of the rules as it should be stored, of at most 3,600 KiB',
    })
    .addCallback((result) => result.observe(observe().bytes));
}
