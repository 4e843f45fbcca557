import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeats.ts';
import { createReader, type Reader } from '#shared/bus/read/reader.ts';
import { readSnapshot } from '#shared/bus/snapshot/snapshot-format.ts';
import { rulesBucket } from '#shared/contracts/bus/bucket.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createPackedRules, type PackedRules } from './packed-rules.ts';
import { createSnapshotMetrics } from './snapshot-metrics.ts';
import { createSnapshotSchedule } from './snapshot-schedule.ts';
import { createSnapshotSecrets } from './snapshot-secrets.ts';
import { createStaleManagers } from './stale-managers.ts';

/** Looks so often whether something is due, ms: that costs nothing. */
const lookIntervalMs = 1_000;

interface SnapshotKeeperOptions {
  bus: Bus;
  kubernetes: Kubernetes;
  /** Namespace of the Secrets. */
  namespace: string;
  /** The managers of the chain: rules of others are not kept. */
  managers: readonly string[];
  /** Bounds what the rules of one manager may cost. */
  mostBytes: number;
  /** Shortest time between two snapshots, and longest until a damaged one is repaired. */
  intervalMs: number;
  /** Age from which gateways call the rules of a manager stale. */
  staleAfterMs: number;
  clock: Clock;
  log: Logger;
}

/** Holds what the keeper works with, once the stored snapshot has been read. */
interface OpenSnapshot {
  rules: Reader;
  packed: PackedRules;
}

/**
 * Keeps the Secrets of the snapshot equal to the rules in force here. It begins with what they hold, like a gateway, so
 * that an emptied bucket takes nothing away from them, and follows the bus by the rules of every reader: only complete
 * sets, and an older one only when its publisher confirms it.
 */
export function createSnapshotKeeper(options: SnapshotKeeperOptions): { stop(): Promise<void> } {
  const { bus, intervalMs, clock } = options;
  const log = options.log.child({ component: 'rules-snapshot' });
  const secrets = createSnapshotSecrets(options.kubernetes, options.namespace);
  const schedule = createSnapshotSchedule(clock, intervalMs);
  const staleManagers = createStaleManagers(options);
  let open: OpenSnapshot | undefined;

  const store = async ({ rules, packed }: OpenSnapshot, notePacked: () => void): Promise<void> => {
    const takenAt = new Date(clock.now()).toISOString();
    if (await packed.pack(await rules.records(), takenAt)) notePacked();
    const snapshot = packed.snapshot();
    if (snapshot === undefined) return;
    const summary = { ...snapshot.summary, ...staleManagers.told() };
    const writes = await secrets.write({ ...snapshot, summary });
    if (writes > 0) log.info({ ...summary, writes }, 'snapshot of the rules stored');
  };
  const loop = startBackgroundLoop({
    name: 'rules snapshot',
    log,
    clock,
    backoff: { firstMs: lookIntervalMs, longestMs: intervalMs },
    run: async () => {
      open ??= await openSnapshot(await secrets.read(), options, { log, onChange: schedule.changed });
      const opened = open;
      if (schedule.isDue() && opened.rules.applied().length > 0) {
        await schedule.run((packed) => store(opened, packed));
      }
      return lookIntervalMs;
    },
  });
  const unsubscribe = subscribeHeartbeats(bus, 'resolver', (heartbeat) => {
    open?.rules.confirm(heartbeat.applied);
    staleManagers.heard(heartbeat, open?.rules.applied() ?? []);
  });
  createSnapshotMetrics(() => ({
    unsavedMs: schedule.unsavedMs(),
    bytes: open?.packed.bytes() ?? 0,
    leftOut: open?.packed.leftOut().length ?? 0,
  }));

  return {
    stop: async () => {
      unsubscribe();
      await loop.stop();
      await open?.rules.stop();
    },
  };
}

/** Begins with the stored shards, as far as they can be used, and follows the bus from there. */
async function openSnapshot(
  shards: ReadonlyMap<string, Uint8Array>,
  { bus, managers, mostBytes, clock, log: readerLog }: SnapshotKeeperOptions,
  { log, onChange }: { log: Logger; onChange: () => void },
): Promise<OpenSnapshot> {
  const found = await readSnapshot(shards, managers.length * mostBytes);
  const begun = 'records' in found ? found : undefined;
  if (!('records' in found) && found.state !== 'missing') log.warn(found, 'stored snapshot not usable');
  const rules = createReader(bus, {
    bucket: rulesBucket,
    owners: managers,
    mostBytes,
    initial: begun?.records ?? [],
    log: readerLog,
    clock,
    onApply: onChange,
  });
  return { rules, packed: await createPackedRules(begun, log) };
}
