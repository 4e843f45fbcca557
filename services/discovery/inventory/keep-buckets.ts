import type { Logger } from 'pino';
import { type BucketFill, ensureBuckets, purgeOwner } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { countByOwner, findOthers } from '#shared/bus/records/stored-owners.ts';
import { rulesBucket } from '#shared/contracts/bucket.ts';
import { escapeToken } from '#shared/contracts/key-token.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createBucketMetrics } from './bucket-metrics.ts';

/** A deleted bucket is made again within this time. */
const checkIntervalMs = 5_000;
/** From here on it is told who fills a bucket: there is room for a record or more, so that nobody is refused yet. */
const fullAt = 0.8;
/** Whoever writes any keys names as many owners as he likes; the rest is left to the next look. */
const mostPurged = 1_000;

const isNearlyFull = ({ bytes, mostBytes, records, mostRecords }: BucketFill): boolean =>
  bytes >= fullAt * mostBytes || records >= fullAt * mostRecords;

/**
 * Keeps both buckets as they should be, measures how full they are, and says once who fills one that is nearly full,
 * and when there is room again. Rules of managers that are not in the chain, which nobody reads, are purged then: what a
 * stolen login has written is not to keep others from publishing. Returns the function that ends it.
 */
export function keepBuckets(
  bus: Bus,
  options: { config: Pick<LatchkeyConfig, 'bus' | 'chain'>; clock: Clock; log: Logger },
): () => void {
  const { config, clock } = options;
  const log = options.log.child({ component: 'buckets' });
  const chain = new Set(config.chain.map(escapeToken));
  const fills = new Map<string, BucketFill>();
  const told = new Set<string>();
  let isEnsuring = false;

  const makeRoom = async (): Promise<void> => {
    let purged = 0;
    for await (const owners of findOthers(await bus.linked(), rulesBucket, chain)) {
      for (const owner of owners) {
        const records = await purgeOwner(bus, rulesBucket, owner);
        const message = 'rules of a manager outside the chain were purged';
        log.error({ bucket: rulesBucket, owner, records }, message);
        purged += 1;
        if (purged >= mostPurged) return;
      }
    }
  };
  const look = async (fill: BucketFill): Promise<void> => {
    const { bucket } = fill;
    if (!isNearlyFull(fill)) {
      if (told.delete(bucket)) log.info(fill, 'the bucket has room again');
      return;
    }
    const { byOwner, others } = await countByOwner(await bus.linked(), bucket, chain);
    if (!told.has(bucket)) {
      const owners = Object.fromEntries(byOwner);
      log.error({ ...fill, owners, others }, 'the bucket is nearly full: what is new will be refused');
      told.add(bucket);
    }
    if (bucket === rulesBucket && others > 0) await makeRoom();
  };
  /** One at a time: it waits while the bus is away, and those of all later ticks would wait beside it. */
  const ensure = async (): Promise<void> => {
    if (isEnsuring) return;
    isEnsuring = true;
    fills.clear();
    await ensureBuckets(bus, { log, ...config.bus, onFill: (fill) => fills.set(fill.bucket, fill) });
    for (const fill of fills.values()) {
      await look(fill).catch((err) =>
        log.warn({ err, bucket: fill.bucket }, 'records of the bucket cannot be counted by owner'),
      );
    }
    isEnsuring = false;
  };
  createBucketMetrics(() => [...fills.values()]);
  void ensure();
  return clock.every(checkIntervalMs, () => void ensure());
}
