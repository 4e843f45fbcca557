import { z } from 'zod';
import { maxVersionNumber } from '#shared/contracts/bus/bucket.ts';

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

const takenAt = z.iso
  .datetime()
  .describe(
    'When it was written; it is written only when the rules have changed, so an old one may be current.',
  );
const generation = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .meta({ title: 'SHA-256, hex' })
  .describe('Digest of the JSON lines: shards of two generations never make one snapshot.');

export const shardHeaderSchema = z.object({
  schema: z.literal(1).describe('Version of the message.'),
  generation,
  index: z.int().nonnegative().describe('Number of the shard, from 0.'),
  count: z.int().min(1).max(snapshotShardCount).describe('Shards of the snapshot.'),
  takenAt,
});
export type ShardHeader = z.infer<typeof shardHeaderSchema>;

/** One stored record of the rules bucket; manifests are among them. */
export const snapshotRecordSchema = z.object({
  key: z.string().describe('Key of the record in the bucket.'),
  revision: z.int().nonnegative().describe('Revision of the record in the bucket.'),
  epoch: z.int().nonnegative().max(maxVersionNumber).describe('Epoch of its publisher.'),
  seq: z.int().nonnegative().max(maxVersionNumber).describe('Number of the manifest that it belongs to.'),
  body: z
    .string()
    .describe("Bytes of the record, each as one character (latin1), since a set's digest is over bytes."),
  traceparent: z.string().optional().describe('W3C trace context of the change.'),
  tracestate: z.string().optional().describe('W3C trace state of the change.'),
});
export type SnapshotRecord = z.infer<typeof snapshotRecordSchema>;

/** Annotation of the Secret of shard 0: the value is JSON of {@link snapshotSummarySchema}. */
export const rulesSnapshotAnnotation = 'latchkey.dev/snapshot';

/** An annotation is short. */
export const mostNamedLeftOut = 20;

/** Of a chain. */
const mostManagers = 100;

/** What the snapshot holds, readable without unpacking it. */
export const snapshotSummarySchema = z.object({
  schema: z.literal(1).describe('Version of the message.'),
  generation,
  takenAt,
  shardBytes: z
    .array(z.int().positive())
    .min(1)
    .max(snapshotShardCount)
    .describe('Bytes of each shard in use, with its header.'),
  owners: z
    .array(
      z.object({
        owner: z.string().describe('Manager of the set.'),
        epoch: z.int().nonnegative().max(maxVersionNumber).describe('Epoch of its manifest.'),
        seq: z.int().nonnegative().max(maxVersionNumber).describe('Number of its manifest.'),
        records: z.int().nonnegative().describe('Records of the set, without the manifest.'),
      }),
    )
    .describe('Sets in the snapshot.'),
  leftOut: z
    .object({
      count: z.int().positive().describe('How many are left out.'),
      names: z.array(z.string()).max(mostNamedLeftOut).describe('The first of them.'),
    })
    .optional()
    .describe('Rules that did not fit, the largest ones; absent when all of them fit.'),
  stale: z
    .array(
      z.object({
        manager: z.string().describe('Manager whose resolver confirms nothing.'),
        since: z.iso.datetime().describe('Time since which it has confirmed nothing.'),
      }),
    )
    .max(mostManagers)
    .optional()
    .describe(
      'Managers whose rules are older than `gateway.staleAfterSeconds` in discovery; absent without one.',
    ),
});
export type SnapshotSummary = z.infer<typeof snapshotSummarySchema>;
