import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeat-channel.ts';
import { createReader, type Reader } from '#shared/bus/read/reader.ts';
import { readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { rulesBucket } from '#shared/contracts/bucket.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import { startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createPackedRules, type PackedRules } from './packed-rules.ts';
import { createSnapshotMetrics } from './snapshot-metrics.ts';
import { createSnapshotSecrets } from './snapshot-secrets.ts';

/** How often it is looked whether something is due: costs nothing. */
const lookIntervalMs = 1_000;
/** A change rarely comes alone: managers are complete one after the other. */
const settleMs = 2_000;

interface SnapshotKeeperOptions {
  bus: Bus;
  kubernetes: Kubernetes;
  /** Namespace of the Secrets. */
  namespace: string;
  /** The managers of the chain: rules of others are not kept. */
  managers: readonly string[];
  /** Most that the rules of one manager may cost. */
  mostBytes: number;
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
export function createSnapshotKeeper(options: SnapshotKeeperOptions): { stop(): Promise<void> } {
  const { bus, managers, mostBytes, intervalMs, clock } = options;
  const log = options.log.child({ component: 'rules-snapshot' });
  const secrets = createSnapshotSecrets(options.kubernetes, options.namespace);
  let kept: { rules: Reader; packed: PackedRules } | undefined;
  let changedAtMs: number | undefined;
  let packedAtMs = -Infinity;
  let checkedAtMs = -Infinity;

  const begin = async () => {
    const found = readSnapshot(await secrets.read());
    const begun = 'records' in found ? found : undefined;
    if (!('records' in found) && found.state !== 'missing') {
      log.warn(found, 'the snapshot that is stored cannot be used');
    }
    const rules = createReader(bus, {
      bucket: rulesBucket,
      owners: managers,
      mostBytes,
      initial: begun?.records ?? [],
      log: options.log,
      clock,
      onSwap: () => {
        changedAtMs ??= clock.monotonicMs();
      },
    });
    return { rules, packed: createPackedRules(begun, log) };
  };

  const store = async ({ rules, packed }: NonNullable<typeof kept>): Promise<void> => {
    const sinceMs = changedAtMs;
    changedAtMs = undefined;
    checkedAtMs = -Infinity;
    try {
      const takenAt = new Date(clock.now()).toISOString();
      if (await packed.pack(rules.records(), takenAt)) packedAtMs = clock.monotonicMs();
      const snapshot = packed.snapshot();
      const writes = snapshot === undefined ? 0 : await secrets.write(snapshot);
      if (writes > 0) log.info({ ...snapshot?.summary, writes }, 'snapshot of the rules stored');
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
  const loop = startBackgroundLoop({
    name: 'rules snapshot',
    log,
    clock,
    backoff: { firstMs: lookIntervalMs, longestMs: intervalMs },
    run: async () => {
      kept ??= await begin();
      if (isDue() && kept.rules.applied().length > 0) await store(kept);
      return lookIntervalMs;
    },
  });
  const unsubscribe = subscribeHeartbeats(bus, 'resolver', ({ applied }) => kept?.rules.vouch(applied));
  createSnapshotMetrics(() => ({
    unsavedMs: changedAtMs === undefined ? 0 : clock.monotonicMs() - changedAtMs,
    bytes: kept?.packed.bytes() ?? 0,
    leftOut: kept?.packed.leftOut().length ?? 0,
  }));

  return {
    stop: async () => {
      unsubscribe();
      await loop.stop();
      await kept?.rules.stop();
    },
  };
}
