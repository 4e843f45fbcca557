import { metrics } from '@opentelemetry/api';

/** Instruments of a reader of a bucket. */
interface ReaderMetrics {
  tooLarge(owner: string): void;
}

export function createReaderMetrics(bucket: string): ReaderMetrics {
  const tooLarge = metrics.getMeter('latchkey').createCounter('latchkey.reader.too.large.sets', {
    description: 'Times that a set was too large to be read, so that the one before stayed in force',
  });
  return { tooLarge: (owner) => tooLarge.add(1, { bucket, owner }) };
}
