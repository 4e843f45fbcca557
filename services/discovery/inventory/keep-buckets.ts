import type { Logger } from 'pino';
import { type BucketFill, ensureBuckets, purgeOwner } from '#shared/bus/link/buckets.ts';
import type { Bus } from '#shared/bus/link/bus.ts';
import { countByOwner, findOthers } from '#shared/bus/records/owner-counts.ts';
import { rulesBucket } from '#shared/contracts/bus/bucket.ts';
import { escapeKeyToken } from '#shared/contracts/bus/key-token.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createBucketMetrics } from './bucket-metrics.ts';

/** Checks the buckets this often, ms: a deleted bucket is created again within this time. */
const checkIntervalMs = 5_000;
/** Sets from where on a bucket is nearly full: it has room for a record or more, so that nobody is refused yet. */
const fullAt = 0.8;
/** Bounds one purge: a writer of arbitrary keys makes any number of owners; the rest is left to the next check. */
const mostPurged = 1_000;

const isNearlyFull = ({ bytes, mostBytes, records, mostRecords }: BucketFill): boolean =>
  bytes >= fullAt * mostBytes || records >= fullAt * mostRecords;

/**
 * Keeps both buckets as they should be, measures how full they are, and makes room in one that is nearly full.
 * @returns the function that ends it
 */
export function keepBuckets(
  bus: Bus,
  options: { config: Pick<LatchkeyConfig, 'bus' | 'chain'>; clock: Clock; log: Logger },
): () => void {
  const { config, clock } = options;
  const log = options.log.child({ component: 'buckets' });
  const fills = new Map<string, BucketFill>();
  const check = createFillCheck(bus, new Set(config.chain.map(escapeKeyToken)), log);
  let isEnsuring = false;

  /** Ensures the buckets one call at a time: it waits while the bus is away, and later ticks would wait beside it. */
  const ensure = async (): Promise<void> => {
    if (isEnsuring) return;
    isEnsuring = true;
    fills.clear();
    await ensureBuckets(bus, { log, ...config.bus, onFill: (fill) => fills.set(fill.bucket, fill) });
    for (const fill of fills.values()) {
      await check(fill).catch((err) =>
        log.warn({ err, bucket: fill.bucket }, 'records of the bucket cannot be counted by owner'),
      );
    }
    isEnsuring = false;
  };
  createBucketMetrics(() => [...fills.values()]);
  void ensure();
  return clock.every(checkIntervalMs, () => void ensure());
}

/**
 * Logs once who fills a bucket that is nearly full, and once that there is room again. Rules of managers outside the
 * chain, which nobody reads, are purged then: what a stolen login has written must not keep others from publishing.
 */
function createFillCheck(
  bus: Bus,
  chain: ReadonlySet<string>,
  log: Logger,
): (fill: BucketFill) => Promise<void> {
  const logged = new Set<string>();
  return async (fill) => {
    const { bucket } = fill;
    if (!isNearlyFull(fill)) {
      if (logged.delete(bucket)) log.info(fill, 'the bucket has room again');
      return;
    }
    const { byOwner, others } = await countByOwner(await bus.linked(), bucket, chain);
    if (!logged.has(bucket)) {
      const owners = Object.fromEntries(byOwner);
      log.error({ ...fill, owners, others }, 'the bucket is nearly full: what is new will be refused');
      logged.add(bucket);
    }
    if (bucket === rulesBucket && others > 0) await purgeOthers(bus, chain, log);
  };
}

/** Purges the rules of managers outside the chain. */
async function purgeOthers(bus: Bus, chain: ReadonlySet<string>, log: Logger): Promise<void> {
  let purged = 0;
  for await (const owners of findOthers(await bus.linked(), rulesBucket, chain)) {
    for (const owner of owners) {
      const records = await purgeOwner(bus, rulesBucket, owner);
      log.error({ bucket: rulesBucket, owner, records }, 'rules of a manager outside the chain were purged');
      purged += 1;
      if (purged >= mostPurged) return;
    }
  }
}
