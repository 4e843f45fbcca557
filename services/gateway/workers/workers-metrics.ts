import { metrics } from '@opentelemetry/api';
import type { WorkerEnd } from './worker-pool.ts';

/** Creates the instruments of a primary; returns what counts the end of a worker. */
export function createWorkersMetrics(serving: () => number): (reason: WorkerEnd) => void {
  const meter = metrics.getMeter('latchkey');
  const ends = meter.createCounter('latchkey.worker.ends', {
    description: 'Workers that ended although they were not told to, by reason',
  });
  meter
    .createObservableGauge('latchkey.workers.serving', { description: 'Workers of a gateway that serve' })
    .addCallback((result) => result.observe(serving()));
  return (reason) => ends.add(1, { reason });
}
