import { metrics } from '@opentelemetry/api';
import type { Rejection } from './staging.ts';

/** Instruments of a reader of a bucket. */
export interface ReaderMetrics {
  rejected(owner: string, reason: Rejection, records: number): void;
  resync(owner: string): void;
  tooLarge(owner: string): void;
}

export function createReaderMetrics(bucket: string): ReaderMetrics {
  const meter = metrics.getMeter('latchkey');
  const rejected = meter.createCounter('latchkey.reader.rejected.records', {
    description:
      'Records not taken in: outdated (a newer one is known) or malformed (the value before stays)',
  });
  const resyncs = meter.createCounter('latchkey.reader.resyncs', {
    description: 'Times that everything was read again, after the first time',
  });
  const tooLarge = meter.createCounter('latchkey.reader.too.large.sets', {
    description: 'Sets too large to be read; the previous set stays in effect',
  });
  return {
    rejected: (owner, reason, records) => rejected.add(records, { bucket, owner, reason }),
    resync: (owner) => resyncs.add(1, { bucket, owner }),
    tooLarge: (owner) => tooLarge.add(1, { bucket, owner }),
  };
}
