import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import type { Logger } from 'pino';
import { inventoryBucket, rulesBucket, streamOf, subjectOf } from '#shared/contracts/bucket.ts';
import type { Bus } from './bus.ts';

/** A record is at most this long; NATS's own limit for a message is 1 MiB, headers included. */
export const maxRecordBytes = 1_000_000;

/** JetStream error: stream name already in use with a different configuration. */
const streamNameInUse = 10_058;

/** Subjects on which the server announces every stored record of a bucket: headers only, after it is stored. */
export const changeSubject = (bucket: string, key: string): string => `latchkey.changed.${bucket}.${key}`;

/**
 * The stream behind a bucket: a KV bucket as NATS ADR-8 defines it (history 1), which `nats kv` can list, plus the
 * announcement of changes and tombstones that expire. Deleting single messages is denied, purging is not: an operator
 * may need it, and everybody recovers from it.
 */
export function bucketStream(bucket: string, replicas: number): Partial<StreamConfig> & { name: string } {
  return {
    name: streamOf(bucket),
    subjects: [subjectOf(bucket, '>')],
    num_replicas: replicas,
    max_msgs_per_subject: 1,
    max_msg_size: maxRecordBytes + 16_384,
    discard: DiscardPolicy.New,
    allow_rollup_hdrs: true,
    allow_direct: true,
    deny_delete: true,
    allow_msg_ttl: true,
    republish: { src: subjectOf(bucket, '>'), dest: changeSubject(bucket, '>'), headers_only: true },
  };
}

/**
 * Creates both buckets, or brings existing ones to these settings; called again and again, so that a deleted bucket
 * comes back. Never throws: what fails is logged (everybody who uses a bucket waits for it), and the result is false.
 */
export async function ensureBuckets(bus: Bus, options: { log: Logger; replicas?: number }): Promise<boolean> {
  try {
    const { jsm } = await bus.linked();
    for (const bucket of [inventoryBucket, rulesBucket]) {
      await ensureStream(jsm, bucketStream(bucket, options.replicas ?? 1));
    }
    return true;
  } catch (err) {
    options.log.warn({ err }, 'the buckets could not be ensured');
    return false;
  }
}

async function ensureStream(jsm: JetStreamManager, config: ReturnType<typeof bucketStream>): Promise<void> {
  try {
    await jsm.streams.add(config);
  } catch (err) {
    if (!(err instanceof JetStreamApiError) || err.code !== streamNameInUse) throw err;
    await jsm.streams.update(config.name, config);
  }
}
