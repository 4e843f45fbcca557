import type { Logger } from 'pino';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { formatSnapshot, type RulesSnapshot, summarize } from '#shared/bus/snapshot/snapshot-format.ts';
import { generationOf, maxContentBytes, packSnapshotShards } from '#shared/bus/snapshot/snapshot-shards.ts';
import { type LeftOutRules, shareSnapshot } from '#shared/bus/snapshot/snapshot-share.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import {
  maxShardBytes,
  mostNamedLeftOut,
  snapshotShardCount,
} from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { workInTurns } from '#shared/runtime/turn-queue.ts';
import type { StoredSnapshot } from './snapshot-secrets.ts';

/** Packs the snapshot that the Secrets are to hold: the last rules in force, as far as they fit. */
export interface PackedRules {
  snapshot(): StoredSnapshot | undefined;
  /** Returns the size of the snapshot. */
  bytes(): number;
  /** Returns what of the rules in force did not fit and is left out. */
  leftOut(): readonly LeftOutRules[];
  /** Packs these rules, unless they are packed already; resolves with whether it did. */
  pack(records: readonly BusRecord[], takenAt: string): Promise<boolean>;
}

const mostPackedBytes = snapshotShardCount * maxShardBytes;
/** Leaves a margin: parts are compressed one by one to be measured, and shards have headers. */
const room = { packedBytes: 0.98 * mostPackedBytes, contentBytes: maxContentBytes };

/** @param begun what the Secrets hold at the start */
export async function createPackedRules(begun: RulesSnapshot | undefined, log: Logger): Promise<PackedRules> {
  let snapshot: StoredSnapshot | undefined = begun && {
    shards: begun.shards,
    summary: await workInTurns(summarize(begun.records, begun)),
  };
  let bytes = (begun?.shards ?? []).reduce((sum, shard) => sum + shard.length, 0);
  /** Generation of the rules that were in force when they were packed. */
  let packedOf = snapshot?.summary.generation;
  let leftOut: readonly LeftOutRules[] = [];

  /** Logs what is left out whenever that has changed. */
  const leaveOut = (next: readonly LeftOutRules[]): void => {
    if (JSON.stringify(next) === JSON.stringify(leftOut)) return;
    leftOut = next;
    if (next.length === 0) log.info('the snapshot holds all rules again');
    else log.error({ err: tooLargeError(next) }, 'the largest rules are left out of the snapshot');
  };

  return {
    snapshot: () => snapshot,
    bytes: () => bytes,
    leftOut: () => leftOut,
    pack: async (records, takenAt) => {
      const content = await workInTurns(formatSnapshot(records));
      const generation = await workInTurns(generationOf(content));
      if (generation === packedOf) return false;
      const whole = await packSnapshotShards(content, takenAt);
      const shared = whole.shards === undefined ? await shareSnapshot(records, room) : undefined;
      const packed =
        shared === undefined
          ? whole
          : await packSnapshotShards(await workInTurns(formatSnapshot(shared.records)), takenAt);
      leaveOut(shared?.leftOut ?? []);
      packedOf = generation;
      // An old snapshot is better than one of nothing.
      if (packed.shards === undefined || shared?.records.length === 0) return false;
      bytes = packed.packedBytes;
      if (packed.generation === snapshot?.summary.generation) return false;
      const { shards } = packed;
      const summary = await workInTurns(summarize(shared?.records ?? records, { ...packed, shards }));
      snapshot = { shards, summary: { ...summary, ...summaryOf(leftOut) } };
      return true;
    },
  };
}

const nameOf = ({ owner, namespace }: LeftOutRules): string =>
  namespace === undefined ? owner : `${owner} of ${namespace}`;

const summaryOf = (leftOut: readonly LeftOutRules[]): Pick<StoredSnapshot['summary'], 'leftOut'> =>
  leftOut.length === 0
    ? {}
    : { leftOut: { count: leftOut.length, names: leftOut.slice(0, mostNamedLeftOut).map(nameOf) } };

function tooLargeError(leftOut: readonly LeftOutRules[]): LatchkeyError {
  const names = leftOut.slice(0, mostNamedLeftOut).map(nameOf).join(', ');
  return new LatchkeyError(
    'SNAPSHOT_TOO_LARGE',
    `the Secrets of the snapshot hold ${mostPackedBytes} bytes, compressed, and a gateway unpacks ${maxContentBytes}. ${leftOut.length} of the largest are left out: ${names}. A gateway that starts without the bus does not know them: lower limits.namespaceKiB, select fewer namespaces, or live without a snapshot (snapshot.enabled: false)`,
    { fields: { leftOut: leftOut.length, mostPackedBytes, maxContentBytes } },
  );
}
