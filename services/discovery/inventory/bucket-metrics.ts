import { metrics } from '@opentelemetry/api';
import type { BucketFill } from '#shared/bus/link/buckets.ts';

/** Creates the gauges of the buckets on the bus, as discovery last saw them; observed at each scrape. */
export function createBucketMetrics(observe: () => readonly BucketFill[]): void {
  const meter = metrics.getMeter('latchkey');
  meter
    .createObservableGauge('latchkey.bucket.bytes', { description: 'Size of the records in a bucket' })
    .addCallback((result) => {
      for (const { bucket, bytes } of observe()) result.observe(bytes, { bucket });
    });
  meter
    .createObservableGauge('latchkey.bucket.limit.bytes', {
      description: 'Size at which a bucket rejects further growth',
    })
    .addCallback((result) => {
      for (const { bucket, mostBytes } of observe()) result.observe(mostBytes, { bucket });
    });
  meter
    .createObservableGauge('latchkey.bucket.records', { description: 'Records in a bucket' })
    .addCallback((result) => {
      for (const { bucket, records } of observe()) result.observe(records, { bucket });
    });
  meter
    .createObservableGauge('latchkey.bucket.limit.records', {
      description: 'Number of records at which a bucket rejects new ones',
    })
    .addCallback((result) => {
      for (const { bucket, mostRecords } of observe()) result.observe(mostRecords, { bucket });
    });
}
