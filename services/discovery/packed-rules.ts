import type { Logger } from 'pino';
import type { BusRecord } from '#shared/bus/record.ts';
import { formatSnapshot, type RulesSnapshot, summarize } from '#shared/bus/rules-snapshot.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { maxShardBytes, snapshotShardCount } from '#shared/contracts/rules-snapshot.ts';
import {
  generationOf,
  maxContentBytes,
  type PackedSnapshot,
  packShards,
} from '#shared/core/snapshot-shards.ts';
import type { StoredSnapshot } from './snapshot-secrets.ts';

/** The snapshot that the Secrets are to hold: the last one of rules in force that fits. */
export interface PackedRules {
  snapshot(): StoredSnapshot | undefined;
  /** Its size, or that of the rules that did not fit. */
  bytes(): number;
  /** Whether the rules in force are too large for it, so that it grows old. */
  isOutgrown(): boolean;
  /** Packs these rules, unless they are packed already; resolves with whether it did. What does not fit changes nothing. */
  pack(records: readonly BusRecord[], takenAt: string): Promise<boolean>;
}

/** @param begun what the Secrets hold at the start */
export function createPackedRules(begun: RulesSnapshot | undefined, log: Logger): PackedRules {
  let snapshot = begun && { shards: begun.shards, summary: summarize(begun.records, begun) };
  let bytes = (begun?.shards ?? []).reduce((sum, shard) => sum + shard.length, 0);
  let isOutgrown = false;

  return {
    snapshot: () => snapshot,
    bytes: () => bytes,
    isOutgrown: () => isOutgrown,
    pack: async (records, takenAt) => {
      const content = formatSnapshot(records);
      if (generationOf(content) === snapshot?.summary.generation) {
        isOutgrown = false;
        return false;
      }
      const packed = await packShards(content, takenAt);
      const { generation, shards } = packed;
      bytes = packed.packedBytes;
      if (shards !== undefined) {
        snapshot = { shards, summary: summarize(records, { generation, takenAt, shards }) };
      } else if (!isOutgrown) {
        log.error({ err: tooLargeError(packed) }, 'the snapshot before stays, and grows old');
      }
      isOutgrown = shards === undefined;
      return true;
    },
  };
}

const tooLargeError = ({ packedBytes, contentBytes }: PackedSnapshot): LatchkeyError => {
  const mostBytes = snapshotShardCount * maxShardBytes;
  return new LatchkeyError(
    'SNAPSHOT_TOO_LARGE',
    `the rules are ${contentBytes} bytes, ${packedBytes} compressed; the Secrets of the snapshot hold ${mostBytes}, and a gateway unpacks ${maxContentBytes}: select fewer namespaces, or live without a snapshot (snapshot.enabled: false)`,
    { fields: { contentBytes, packedBytes, mostBytes, maxContentBytes } },
  );
};
