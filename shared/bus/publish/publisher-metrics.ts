import { metrics } from '@opentelemetry/api';

/** Instruments of the publisher of one owner's records. */
interface PublisherMetrics {
  oversizedRecord(): void;
}

export function createPublisherMetrics(bucket: string, owner: string): PublisherMetrics {
  const oversized = metrics.getMeter('latchkey').createCounter('latchkey.publisher.oversized.records', {
    description: 'Records omitted because they exceed the message size limit',
  });
  return { oversizedRecord: () => oversized.add(1, { bucket, owner }) };
}
