import type { Subscription } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import { changeSubject } from '#shared/bus/link/buckets.ts';
import type { Bus, BusLink } from '#shared/bus/link/bus.ts';
import { streamOf } from '#shared/contracts/bus/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { BusRecord } from './record.ts';
import { checkCost, costOf, countStored, readSince } from './stored-records.ts';
import { judgeStream, type StreamView } from './stream-view.ts';

/**
 * Interval at which the mirror asks the server whether it is still the same stream and nothing was missed: an announcement may be
 * lost while a leader changes, and a change is to reach every gateway within 2 s all the same.
 */
const checkIntervalMs = 1_000;
/** Everything is read again this often, against whatever no check can see. */
const auditIntervalMs = 300_000;
/** So long a set that is too large is left alone, ms: reading it costs as much as it may hold. */
const tooLargeRestMs = 30_000;
/** Doubts that follow each other sooner than this, ms, are about the server's copy: reading it again did not help. */
const repeatedDoubtMs = 20_000;
/** A replica may lag behind the announcement: so often, and so far apart, it is asked again at once. */
const lagRetries = 5;
const lagRetryMs = 20;

/** What arrived: records changed by others than `note`, or after `reset` all of them (one not among them is gone). */
export interface MirrorBatch {
  reset: boolean;
  /** In the order of revisions. */
  records: readonly BusRecord[];
}

export interface MirrorOptions {
  bucket: string;
  /** Key filter, `<owner token>.>`. */
  keys: string;
  /** Most that the records may cost this process. With more it stays at what it has, and looks again now and then. */
  mostBytes?: number;
  /** Has it keep, instead, the records beyond that without their bytes: whoever writes them has to see each. */
  beyond?: 'refuse' | 'strip';
  /** Called each time that there is more. */
  onTooLarge?(err: LatchkeyError): void;
  log: Logger;
  clock: Clock;
  /** Called for every batch and, with an empty one, after each check; must not throw. */
  onBatch(batch: MirrorBatch): void;
}

/** A supervised copy in memory of what a bucket stores under a key filter. It heals by itself, for ever. */
export interface Mirror {
  /** By key, tombstones included. */
  readonly records: ReadonlyMap<string, BusRecord>;
  /** Tells whether everything was read, also when there was nothing. */
  synced(): boolean;
  /** Takes a record of one's own that the server acknowledged, before it comes back. */
  note(record: BusRecord): void;
  /** Returns the revision up to which everything was read. */
  revision(): number;
  /** Forgets the revision and reads everything again; from another server when that has just been done. */
  resync(reason: string): void;
  stop(): Promise<void>;
}

/**
 * Starts a mirror. It reads with direct gets from its own revision on; the server's announcements only say when, so a
 * lost one costs at most 1 s. Every second it compares the stream: created anew, purged, cut back, or (for a publisher) led
 * by another server means reading everything again. A missing bucket is waited for.
 */
export function createMirror(bus: Bus, options: MirrorOptions): Mirror {
  const { bucket, keys, clock, mostBytes = Infinity, beyond = 'refuse' } = options;
  const log = options.log.child({ component: 'mirror', bucket, keys });
  const records = new Map<string, BusRecord>();
  let following: Subscription | undefined;
  let view: StreamView | undefined;
  let resyncReason: string | undefined = 'start';
  let resyncs = -1;
  let revision = 0;
  let announced = 0;
  let acknowledged = false;
  let checkedAtMs = -Infinity;
  let readAllAtMs = -Infinity;
  let tooLargeUntilMs = -Infinity;
  let costBytes = 0;
  let doubtedAtMs = -Infinity;

  const follow = ({ nc }: BusLink) =>
    nc.subscribe(changeSubject(bucket, keys), {
      callback: (err, message) => {
        if (err) return log.warn({ err }, 'subscription to announcements refused, changes arrive late');
        announced = Math.max(announced, Number(message.headers?.last('Nats-Sequence')) || 0);
        loop.wake();
      },
    });

  /** A record of one's own may have been noted while an older state of it was on its way. */
  const take = (record: BusRecord) => {
    const known = records.get(record.key);
    if (known !== undefined && known.revision >= record.revision) return;
    records.set(record.key, record);
    costBytes += costOf(record) - (known === undefined ? 0 : costOf(known));
  };

  const costOfKnown = (key: string): number => {
    const known = records.get(key);
    return known === undefined ? 0 : costOf(known);
  };

  const checkNew = (news: readonly BusRecord[]): void => {
    const newBytes = news.reduce((sum, record) => sum + costOf(record) - costOfKnown(record.key), 0);
    checkCost(bucket, keys, costBytes + newBytes, mostBytes);
  };

  const liveCount = () => {
    let live = 0;
    for (const record of records.values()) if (!record.deleted) live += 1;
    return live;
  };

  async function check(link: BusLink): Promise<void> {
    const live = liveCount();
    const { created, state, cluster } = await link.jsm.streams.info(streamOf(bucket));
    // Without a cluster its only server does, which has a new id at each start.
    const term = cluster?.leader_since ?? link.nc.info?.server_id ?? '';
    const seen: StreamView = { created, lastRevision: state.last_seq, term };
    const stored = await countStored(link, bucket, keys);
    resyncReason ??= judgeStream({ before: view, seen, revision, live, stored, acknowledged });
    if (clock.monotonicMs() - readAllAtMs > auditIntervalMs) resyncReason ??= 'audit';
    view = seen;
    checkedAtMs = clock.monotonicMs();
  }

  async function readAll(link: BusLink, reason: string): Promise<void> {
    acknowledged = false;
    const all = await readSince(link, bucket, keys, { afterRevision: 0, mostBytes, beyond });
    resyncReason = undefined;
    readAllAtMs = clock.monotonicMs();
    resyncs += 1;
    if (resyncs > 0) log.info({ reason, records: all.length }, 'bucket read again from the start');
    records.clear();
    costBytes = 0;
    for (const record of all) take(record);
    revision = all.at(-1)?.revision ?? 0;
    announced = revision;
    options.onBatch({ reset: true, records: all });
  }

  async function readNew(link: BusLink): Promise<void> {
    const target = announced;
    const room = beyond === 'strip' ? mostBytes - costBytes : mostBytes;
    const since = { afterRevision: revision, mostBytes: room, beyond };
    let fresh = await readSince(link, bucket, keys, since);
    for (let retry = 0; retry < lagRetries && (fresh.at(-1)?.revision ?? revision) < target; retry += 1) {
      await clock.sleep(lagRetryMs);
      fresh = await readSince(link, bucket, keys, since);
    }
    const news = fresh.filter(({ key, revision }) => records.get(key)?.revision !== revision);
    if (beyond === 'refuse') checkNew(news);
    for (const record of news) take(record);
    revision = fresh.at(-1)?.revision ?? revision;
    // What was announced and is not there has been purged or has expired.
    if (announced === target) announced = revision;
    options.onBatch({ reset: false, records: news });
  }

  const tooLarge = (err: unknown): void => {
    if (!(err instanceof LatchkeyError) || err.code !== 'SET_TOO_LARGE') throw err;
    tooLargeUntilMs = clock.monotonicMs() + tooLargeRestMs;
    options.onTooLarge?.(err);
  };

  const loop = startBackgroundLoop({
    name: 'mirror round',
    log,
    clock,
    async run() {
      const link = bus.link();
      if (link === undefined) return checkIntervalMs;
      following ??= follow(link);
      if (clock.monotonicMs() - checkedAtMs >= checkIntervalMs) await check(link);
      if (clock.monotonicMs() >= tooLargeUntilMs) {
        await (resyncReason === undefined ? readNew(link) : readAll(link, resyncReason)).catch(tooLarge);
      }
      return Math.max(1, checkedAtMs + checkIntervalMs - clock.monotonicMs());
    },
  });
  bus.linked().then(loop.retryNow, () => undefined);
  const forgetReconnects = bus.onReconnect(loop.retryNow);

  return {
    records,
    synced: () => resyncs >= 0,
    revision: () => revision,
    note(record) {
      acknowledged = true;
      take(record);
    },
    resync(reason) {
      const nowMs = clock.monotonicMs();
      if (nowMs - doubtedAtMs < repeatedDoubtMs) bus.changeServer(reason);
      doubtedAtMs = nowMs;
      resyncReason ??= reason;
      loop.wake();
    },
    async stop() {
      forgetReconnects();
      await loop.stop();
      following?.unsubscribe();
    },
  };
}
