import { isDeepStrictEqual } from 'node:util';
import type { Subscription } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import { changeSubject } from '#shared/bus/link/buckets.ts';
import type { Bus, BusLink } from '#shared/bus/link/bus.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type BackgroundLoop, startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { checkCost } from './cost.ts';
import type { HeldRecord } from './held-record.ts';
import { headersOf } from './message-headers.ts';
import { checkIntervalMs, MirrorSchedule } from './mirror-schedule.ts';
import { MirroredRecords } from './mirrored-records.ts';
import type { BusRecord } from './record.ts';
import { countStoredRecords, readAnnounced, readSince } from './stored-records.ts';
import { judgeStream, type StreamView, viewStream } from './stream-view.ts';

/** What arrived: records changed by others than `note`, or after `reset` all of them (one not among them is gone). */
export interface MirrorBatch {
  reset: boolean;
  /** In the order of revisions. */
  records: readonly HeldRecord[];
}

export interface MirrorOptions {
  bucket: string;
  /** Key filter, `<owner token>.>`. */
  keys: string;
  /** Most that the records may cost this process. With more it stays at what it has, and looks again now and then. */
  mostBytes?: number;
  /** Has it keep, instead, the records beyond that without their bytes, and tombstones: whoever writes them has to see each. */
  beyond?: 'refuse' | 'strip';
  /** Called each time that there is more. */
  onTooLarge?(err: LatchkeyError): void;
  log: Logger;
  clock: Clock;
  /** Called for every batch and, with an empty one, after each check; must not throw. The next one waits for what it returns. */
  onBatch(batch: MirrorBatch): Promise<void> | undefined;
}

/** A supervised copy in memory of what a bucket stores under a key filter. It heals by itself, for ever. */
export interface Mirror {
  /** By key; tombstones too where it is a writer's. */
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
 * lost one costs at most 1 s. Every second it looks at the stream: created anew, purged, cut back, or (for a publisher) led
 * by another server means reading everything again. A missing bucket is waited for.
 */
export const createMirror = (bus: Bus, options: MirrorOptions): Mirror => new StreamMirror(bus, options);

class StreamMirror implements Mirror {
  readonly #bus: Bus;
  readonly #options: MirrorOptions & Required<Pick<MirrorOptions, 'mostBytes' | 'beyond'>>;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #loop: BackgroundLoop;
  readonly #forgetReconnects: () => void;
  readonly #known: MirroredRecords;
  readonly #schedule = new MirrorSchedule();
  #following: Subscription | undefined;
  #view: StreamView | undefined;
  /** Why everything has to be read; undefined: what is new suffices. */
  #resyncReason: string | undefined = 'start';
  #isSynced = false;
  #revision = 0;
  #announced = 0;
  #acknowledged = false;

  constructor(bus: Bus, options: MirrorOptions) {
    const { bucket, keys, clock } = options;
    this.#bus = bus;
    this.#options = { mostBytes: Infinity, beyond: 'refuse', ...options };
    this.#known = new MirroredRecords(options.beyond === 'strip');
    this.#log = options.log.child({ component: 'mirror', bucket, keys });
    this.#clock = clock;
    this.#loop = startBackgroundLoop({
      name: 'mirror round',
      run: () => this.#round(),
      log: this.#log,
      clock,
    });
    bus.linked().then(this.#loop.retryNow, () => undefined);
    this.#forgetReconnects = bus.onReconnect(this.#loop.retryNow);
  }

  get records(): ReadonlyMap<string, BusRecord> {
    return this.#known.byKey;
  }

  synced(): boolean {
    return this.#isSynced;
  }

  revision(): number {
    return this.#revision;
  }

  note(record: BusRecord): void {
    this.#acknowledged = true;
    this.#known.take(record);
  }

  resync(reason: string): void {
    if (this.#schedule.noteDoubt(this.#clock.monotonicMs())) this.#bus.changeServer(reason);
    this.#resyncReason ??= reason;
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    this.#forgetReconnects();
    await this.#loop.stop();
    this.#following?.unsubscribe();
  }

  /** Checks what is due and reads what there is; returns the pause before the next round, ms. */
  async #round(): Promise<number> {
    const link = this.#bus.link();
    if (link === undefined) return checkIntervalMs;
    this.#following ??= this.#follow(link);
    const isDue = this.#schedule.checkIsDue(this.#clock.monotonicMs());
    const hasNews = !isDue || (await this.#check(link)) || this.#announced > this.#revision;
    if (this.#schedule.mayRead(this.#clock.monotonicMs())) {
      if (!hasNews) await this.#options.onBatch({ reset: false, records: [] });
      else await this.#read(link);
    }
    return this.#schedule.restMs(this.#clock.monotonicMs());
  }

  async #read(link: BusLink): Promise<void> {
    const reading =
      this.#resyncReason === undefined ? this.#readNew(link) : this.#readAll(link, this.#resyncReason);
    await reading.then(
      () => this.#schedule.noteRead(this.#clock.monotonicMs()),
      (err: unknown) => this.#noteTooLarge(err),
    );
  }

  #follow({ nc }: BusLink): Subscription {
    const { bucket, keys } = this.#options;
    return nc.subscribe(changeSubject(bucket, keys), {
      callback: (err, message) => {
        if (err) return this.#log.warn({ err }, 'subscription to announcements refused, changes arrive late');
        const revision = Number(headersOf(message)?.last('Nats-Sequence')) || 0;
        this.#announced = Math.max(this.#announced, revision);
        this.#loop.wake();
      },
    });
  }

  /**
   * Looks at the stream, and counts its records unless it has long been as it is.
   * @returns whether there may be something to read
   */
  async #check(link: BusLink): Promise<boolean> {
    const { bucket, keys } = this.#options;
    const live = this.#known.live();
    const seen = await viewStream(link, bucket);
    const before = this.#view;
    const nowMs = this.#clock.monotonicMs();
    const mayHaveNews = this.#schedule.noteLook(isDeepStrictEqual(before, seen), nowMs);
    if (mayHaveNews) {
      const stored = await countStoredRecords(link, bucket, keys);
      const [revision, acknowledged] = [this.#revision, this.#acknowledged];
      this.#resyncReason ??= judgeStream({ before, seen, revision, live, stored, acknowledged });
    }
    if (this.#schedule.auditIsDue(nowMs)) this.#resyncReason ??= 'audit';
    this.#view = seen;
    this.#schedule.noteCheck(this.#clock.monotonicMs());
    return mayHaveNews || this.#resyncReason !== undefined;
  }

  async #readAll(link: BusLink, reason: string): Promise<void> {
    this.#acknowledged = false;
    const { byKey } = this.#known;
    const all = await readSince(link, this.#options, { afterRevision: 0, isKnown: () => false, held: byKey });
    const { revision } = all;
    const records = [...all.records.values()];
    this.#resyncReason = undefined;
    this.#schedule.noteReadAll(this.#clock.monotonicMs());
    if (this.#isSynced)
      this.#log.info({ reason, records: records.length }, 'bucket read again from the start');
    this.#isSynced = true;
    this.#known.replaceAll(all);
    this.#revision = revision;
    this.#announced = revision;
    await this.#options.onBatch({ reset: true, records });
  }

  async #readNew(link: BusLink): Promise<void> {
    const { bucket, keys, mostBytes, beyond } = this.#options;
    const target = this.#announced;
    const fresh = await readAnnounced(link, this.#options, {
      afterRevision: this.#revision,
      isKnown: (key) => this.records.has(key),
      announced: target,
      costBytes: this.#known.costBytes,
    });
    const news = this.#known.newsAmong(fresh.records.values());
    if (beyond === 'refuse') checkCost(bucket, keys, this.#known.costWith(news), mostBytes);
    for (const record of news) this.#known.take(record);
    this.#revision = fresh.revision;
    // What was announced and is not there has been purged or has expired.
    if (this.#announced === target) this.#announced = this.#revision;
    await this.#options.onBatch({ reset: false, records: news });
  }

  #noteTooLarge(err: unknown): void {
    if (!(err instanceof LatchkeyError) || err.code !== 'SET_TOO_LARGE') throw err;
    this.#schedule.noteTooLarge(this.#clock.monotonicMs());
    this.#options.onTooLarge?.(err);
  }
}
