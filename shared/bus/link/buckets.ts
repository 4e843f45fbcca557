import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import type { Logger } from 'pino';
import { inventoryBucket, rulesBucket, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { busSchema, type LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import type { Bus } from './bus.ts';

const bytesPerMiB = 1_024 * 1_024;
/**
 * Bounds the number of records for each MiB of a bucket, or tiny ones fill it by the million, and NATS keeps the name of
 * each in memory. Readers charge 300 bytes a record (stored-records.ts): 3,495 of a set fit one MiB of `limits.managerMiB`.
 */
const recordsPerMiB = 4_096;

/** A record is at most this long; NATS's own limit for a message is 1 MiB, headers included. */
export const maxRecordBytes = 1_000_000;

/** JetStream error: stream name already in use with a different configuration. */
const streamNameInUse = 10_058;

/** The least that nats-server takes, ns (stream.go, `checkStreamCfg`). */
const shortestDuplicateWindow = 100_000_000;

/** Subjects on which the server announces every stored record of a bucket: headers only, after it is stored. */
export const changeSubject = (bucket: string, key: string): string => `latchkey.changed.${bucket}.${key}`;

/** What an operator decides about the streams, `bus` of latchkey.yaml; what is absent has its default. */
type BucketSettings = Partial<LatchkeyConfig['bus']>;

/**
 * The stream behind a bucket: a KV bucket as NATS ADR-8 defines it (history 1), which `nats kv` can list, plus the
 * announcement of changes and tombstones that expire. Deleting single messages is denied, purging is not: an operator
 * may need it, and everybody recovers from it. Rollups are off: with one, who may write a single record purges the
 * records of all. A full bucket refuses what would make it larger. Message ids, which nobody here sends, are forgotten at
 * once: for its window, by default two minutes, the server holds every id in memory, whatever its length.
 */
export function bucketStream(
  bucket: string,
  settings: BucketSettings,
): Partial<StreamConfig> & { name: string } {
  const { replicas, bucketMiB } = busSchema.parse(settings);
  return {
    name: streamOf(bucket),
    subjects: [subjectOf(bucket, '>')],
    num_replicas: replicas,
    max_msgs_per_subject: 1,
    max_msgs: bucketMiB * recordsPerMiB,
    max_bytes: bucketMiB * bytesPerMiB,
    max_msg_size: maxRecordBytes + 16_384,
    discard: DiscardPolicy.New,
    duplicate_window: shortestDuplicateWindow,
    allow_rollup_hdrs: false,
    allow_direct: true,
    deny_delete: true,
    allow_msg_ttl: true,
    republish: { src: subjectOf(bucket, '>'), dest: changeSubject(bucket, '>'), headers_only: true },
  };
}

/** How much a bucket stores, and how much it may. */
export interface BucketFill {
  bucket: string;
  bytes: number;
  mostBytes: number;
  records: number;
  mostRecords: number;
}

/**
 * Purges everything of an owner; one that is alive publishes it again. Uses STREAM.PURGE. Returns the number of records.
 * @throws what the server answers
 */
export async function purgeOwner(bus: Bus, bucket: string, ownerToken: string): Promise<number> {
  const { jsm } = await bus.linked();
  const { purged } = await jsm.streams.purge(streamOf(bucket), {
    filter: subjectOf(bucket, `${ownerToken}.>`),
  });
  return purged;
}

/**
 * Creates both buckets, or brings existing ones to these settings; called again and again, so that a deleted bucket
 * comes back; tells how full each is. Never throws: what fails is logged (everybody who uses a bucket waits for it), and the result is false.
 */
export async function ensureBuckets(
  bus: Bus,
  { log, onFill, ...settings }: { log: Logger; onFill?: (fill: BucketFill) => void } & BucketSettings,
): Promise<boolean> {
  try {
    const { jsm } = await bus.linked();
    for (const bucket of [inventoryBucket, rulesBucket]) {
      const { state, config } = await ensureStream(jsm, bucketStream(bucket, settings));
      onFill?.({
        bucket,
        bytes: state.bytes,
        mostBytes: config.max_bytes,
        records: state.messages,
        mostRecords: config.max_msgs,
      });
    }
    return true;
  } catch (err) {
    log.warn({ err }, 'the buckets could not be ensured');
    return false;
  }
}

async function ensureStream(
  jsm: JetStreamManager,
  config: ReturnType<typeof bucketStream>,
): Promise<StreamInfo> {
  try {
    return await jsm.streams.add(config);
  } catch (err) {
    if (!(err instanceof JetStreamApiError) || err.code !== streamNameInUse) throw err;
    return await jsm.streams.update(config.name, config);
  }
}
