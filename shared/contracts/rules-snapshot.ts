import { z } from 'zod';

/**
 * Message: the complete rules of every manager of the chain, kept in Secrets for gateways that start without the bus.
 * Producer: discovery, into Secrets that deploy/rules-snapshot.yaml makes empty. Consumers: gateways, which mount all of
 * them as one volume; discovery itself, when it starts; `latchkey status`, which reads the annotation.
 * The content is the stored records of the rules bucket, one JSON line each in the order of revisions, gzipped and cut
 * into shards. A shard is its header as one line of JSON, then its part of the bytes. Inline values are sealed in it, as
 * they are on the bus.
 */
export const snapshotShardCount = 4;
/** Header and part together, so that a Secret stays below the 1 MiB that Kubernetes takes. */
export const maxShardBytes = 900 * 1_024;

export const snapshotSecretName = (index: number): string => `latchkey-rules-snapshot-${index}`;
/** The data key in the Secret, and so the file's name in the volume. */
export const snapshotShardName = (index: number): string => `shard-${index}`;
export const snapshotSecretNames: readonly string[] = Array.from({ length: snapshotShardCount }, (_, index) =>
  snapshotSecretName(index),
);

const takenAt = z.iso.datetime();
/** SHA-256 of the JSON lines, hex: shards of two generations never make one snapshot. */
const generation = z.string().regex(/^[0-9a-f]{64}$/);

export const shardHeaderSchema = z.object({
  schema: z.literal(1),
  generation,
  /** Which of `count` shards this is, from 0. */
  index: z.int().nonnegative(),
  count: z.int().min(1).max(snapshotShardCount),
  /** When it was written. It is written only when the rules have changed, so an old one may well be right. */
  takenAt,
});
export type ShardHeader = z.infer<typeof shardHeaderSchema>;

/** One stored record of the rules bucket; manifests are among them. */
export const snapshotRecordSchema = z.object({
  key: z.string(),
  revision: z.int().nonnegative(),
  epoch: z.int().nonnegative(),
  seq: z.int().nonnegative(),
  /** The record's bytes, each as one character (latin1): the digest of the set is over the bytes. */
  body: z.string(),
  traceparent: z.string().optional(),
  tracestate: z.string().optional(),
});
export type SnapshotRecord = z.infer<typeof snapshotRecordSchema>;

/** Annotation of the Secret of shard 0: the value is JSON of {@link snapshotSummarySchema}. */
export const snapshotAnnotation = 'latchkey.dev/snapshot';

/** An annotation is short. */
export const mostNamedLeftOut = 20;

/** What the snapshot holds, readable without unpacking it. */
export const snapshotSummarySchema = z.object({
  schema: z.literal(1),
  generation,
  takenAt,
  /** Bytes of each shard in use, headers included. */
  shardBytes: z.array(z.int().positive()).min(1).max(snapshotShardCount),
  /** The sets in it; `records` without the manifest. */
  owners: z.array(
    z.object({
      owner: z.string(),
      epoch: z.int().nonnegative(),
      seq: z.int().nonnegative(),
      records: z.int().nonnegative(),
    }),
  ),
  /** Rules that did not fit, the largest ones; `names` has the first of them. Absent where all are in it. */
  leftOut: z
    .object({ count: z.int().positive(), names: z.array(z.string()).max(mostNamedLeftOut) })
    .optional(),
});
export type SnapshotSummary = z.infer<typeof snapshotSummarySchema>;
