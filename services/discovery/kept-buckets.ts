import type { Logger } from 'pino';
import { type BucketFill, countByOwner, ensureBuckets } from '#shared/bus/buckets.ts';
import type { Bus } from '#shared/bus/bus.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createBucketMetrics } from './bucket-metrics.ts';

/** A deleted bucket is made again within this time. */
const checkIntervalMs = 5_000;
/** From here on it is told who fills a bucket: there is room for a record or more, so that nobody is refused yet. */
const fullAt = 0.8;

/**
 * Keeps both buckets as they should be, measures how full they are, and says once who fills one that is nearly full,
 * and when there is room again. Returns the function that ends it.
 */
export function keepBuckets(
  bus: Bus,
  options: { settings: LatchkeyConfig['bus']; clock: Clock; log: Logger },
): () => void {
  const { settings, clock } = options;
  const log = options.log.child({ component: 'buckets' });
  const fills = new Map<string, BucketFill>();
  const told = new Set<string>();
  let isEnsuring = false;

  const tell = async ({ bucket, bytes, mostBytes }: BucketFill): Promise<void> => {
    if (bytes < fullAt * mostBytes) {
      if (told.delete(bucket)) log.info({ bucket, bytes, mostBytes }, 'the bucket has room again');
      return;
    }
    if (told.has(bucket)) return;
    told.add(bucket);
    const records = await countByOwner(bus, bucket).then(Object.fromEntries, () => undefined);
    log.error(
      { bucket, bytes, mostBytes, records },
      'the bucket is nearly full: what is new will be refused',
    );
  };
  /** One at a time: it waits while the bus is away, and those of all later ticks would wait beside it. */
  const ensure = async (): Promise<void> => {
    if (isEnsuring) return;
    isEnsuring = true;
    await ensureBuckets(bus, { log, ...settings, onFill: (fill) => fills.set(fill.bucket, fill) });
    for (const fill of fills.values()) await tell(fill);
    isEnsuring = false;
  };
  createBucketMetrics(() => [...fills.values()]);
  void ensure();
  return clock.every(checkIntervalMs, () => void ensure());
}
