import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/heartbeat-channel.ts';
import { createReader, type Reader } from '#shared/bus/reader.ts';
import type { BusRecord } from '#shared/bus/record.ts';
import { startRetryLoop } from '#shared/bus/retry-loop.ts';
import { formatSnapshot, readSnapshot, summarize } from '#shared/bus/rules-snapshot.ts';
import { rulesBucket } from '#shared/contracts/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { maxShardBytes, snapshotShardCount } from '#shared/contracts/rules-snapshot.ts';
import {
  generationOf,
  maxContentBytes,
  type PackedSnapshot,
  packShards,
} from '#shared/core/snapshot-shards.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createSnapshotMetrics } from './snapshot-metrics.ts';
import { createSnapshotSecrets, type StoredSnapshot } from './snapshot-secrets.ts';

/** How often it is looked whether something is due: costs nothing. */
const lookIntervalMs = 1_000;
/** A change rarely comes alone: managers are complete one after the other. */
const settleMs = 2_000;

interface RulesSnapshotOptions {
  bus: Bus;
  kubernetes: Kubernetes;
  /** Namespace of the Secrets. */
  namespace: string;
  /** The managers of the chain: rules of others are not kept. */
  managers: readonly string[];
  /** Shortest time between two snapshots, and longest until a damaged one is repaired. */
  intervalMs: number;
  clock: Clock;
  log: Logger;
}

/**
 * Keeps a snapshot of the rules in its Secrets, level-triggered: what is in force here is what they hold. It begins with
 * what they hold, like a gateway, so that an emptied bucket takes nothing away from them, and follows the bus by the
 * rules of every reader: only complete sets, and an older one only when its publisher vouches for it.
 */
export function createRulesSnapshot(options: RulesSnapshotOptions): { stop(): Promise<void> } {
  const { bus, managers, intervalMs, clock } = options;
  const log = options.log.child({ component: 'rules-snapshot' });
  const secrets = createSnapshotSecrets(options.kubernetes, options.namespace);
  let reader: Reader | undefined;
  let stored: StoredSnapshot | undefined;
  let changedAtMs: number | undefined;
  let packedAtMs = -Infinity;
  let checkedAtMs = -Infinity;
  let bytes = 0;
  let tooLarge = false;

  const begin = async (): Promise<Reader> => {
    const found = readSnapshot(await secrets.read());
    const isUsable = 'records' in found;
    if (isUsable) {
      stored = { shards: found.shards, summary: summarize(found.records, found) };
      bytes = found.shards.reduce((sum, shard) => sum + shard.length, 0);
    } else if (found.state !== 'missing') {
      log.warn(found, 'the snapshot that is stored cannot be used');
    }
    return createReader(bus, {
      bucket: rulesBucket,
      owners: managers,
      initial: isUsable ? found.records : [],
      log: options.log,
      clock,
      onSwap: () => {
        changedAtMs ??= clock.monotonicMs();
      },
    });
  };

  /** Packs what is in force, unless that is packed already. What does not fit leaves the snapshot before in place. */
  const pack = async (records: readonly BusRecord[]): Promise<void> => {
    const content = formatSnapshot(records);
    if (generationOf(content) === stored?.summary.generation) return;
    packedAtMs = clock.monotonicMs();
    const takenAt = new Date(clock.now()).toISOString();
    const packed = await packShards(content, takenAt);
    const { generation, shards } = packed;
    bytes = packed.packedBytes;
    const wasTooLarge = tooLarge;
    tooLarge = shards === undefined;
    if (shards !== undefined) {
      stored = { shards, summary: summarize(records, { generation, takenAt, shards }) };
    } else if (!wasTooLarge) {
      log.error({ err: tooLargeError(packed) }, 'the snapshot before stays, and grows old');
    }
  };

  const store = async (rules: Reader): Promise<void> => {
    const sinceMs = changedAtMs;
    changedAtMs = undefined;
    checkedAtMs = -Infinity;
    try {
      await pack(rules.records());
      const writes = stored === undefined ? 0 : await secrets.write(stored);
      if (writes > 0) log.info({ ...stored?.summary, writes }, 'snapshot of the rules stored');
      if (tooLarge) changedAtMs = sinceMs;
      checkedAtMs = clock.monotonicMs();
    } catch (err) {
      changedAtMs = sinceMs;
      throw err;
    }
  };

  const isDue = (): boolean => {
    const nowMs = clock.monotonicMs();
    if (nowMs - checkedAtMs >= intervalMs) return true;
    return changedAtMs !== undefined && nowMs - changedAtMs >= settleMs && nowMs - packedAtMs >= intervalMs;
  };
  const loop = startRetryLoop({
    log,
    clock,
    restMs: () => lookIntervalMs,
    backoff: { firstMs: lookIntervalMs, longestMs: intervalMs },
    round: async () => {
      reader ??= await begin();
      if (isDue() && reader.applied().length > 0) await store(reader);
    },
  });
  const unsubscribe = subscribeHeartbeats(bus, 'resolver', ({ applied }) => reader?.vouch(applied));
  createSnapshotMetrics(() => ({
    unsavedMs: changedAtMs === undefined ? 0 : clock.monotonicMs() - changedAtMs,
    bytes,
  }));

  return {
    stop: async () => {
      unsubscribe();
      await loop.stop();
      await reader?.stop();
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
