import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Bus, BusLink } from '#shared/bus/link/bus.ts';
import { type Claim, findOutranked, findRival, manifestOf, nextClaim } from '#shared/bus/records/claim.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import type { MirrorBatch } from '#shared/bus/records/mirror.ts';
import { type BusRecord, bodyOf } from '#shared/bus/records/record.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { type BackgroundLoop, startBackgroundLoop } from '#shared/runtime/background-loop.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';
import { createSliceMeter, type SlicedWork, workInTurns } from '#shared/runtime/turn-queue.ts';
import { createDesiredSet, type DesiredSet, type PublishedRecord } from './desired-set.ts';
import { createPrefixStore, type PrefixStore } from './prefix-store.ts';
import { createPublisherMetrics } from './publisher-metrics.ts';
import { SetWriter } from './set-writer.ts';

export type { PublishedRecord } from './desired-set.ts';

/** Longest time between two comparisons of what is stored with what should be. */
const reassertIntervalMs = 5_000;
/** How soon a publisher that may claim its prefix from now on does so. */
const claimIntervalMs = 250;
/**
 * While changes never stop, the pause from a manifest to the next records is as long as the records before took, at
 * least this, ms: readers need a moment in which the stored records are those that the manifest describes.
 */
const minSettleMs = 25;

interface PublisherOptions {
  bucket: string;
  /** Whose prefix of the bucket this process publishes. */
  owner: string;
  /**
   * Most that the stored records may cost this process. Those beyond it are held without their bytes, and so written again
   * or removed: a flood of them must neither end the publisher nor stay.
   */
  mostBytes?: number;
  log: Logger;
  clock: Clock;
  /**
   * Asked again and again until it allows the claim; absent: at once.
   * @param currentEpoch of the manifest that is stored
   */
  mayClaim?(currentEpoch: number | undefined): boolean;
  /** Called once when another publisher has taken the prefix over: this one has stopped and the process should end. */
  onSuperseded(error: LatchkeyError): void;
}

/**
 * Publishes one owner's set. All methods only note what is wanted; the work happens in the background, level-triggered,
 * and is repeated until the bucket holds it. A record that is too long for the bus is left out, logged and counted.
 */
export interface Publisher {
  /** Wants this complete set, by key (`formatKey`). Nothing but the claim is published before it, or `complete`. */
  replace(records: ReadonlyMap<string, PublishedRecord>): void;
  /** Wants exactly the records that were put and not removed: a large set need not be gathered for `replace`. */
  complete(): void;
  /** Wants one record more or changed. */
  put(key: string, value: unknown, trace?: TraceCarrier): void;
  /** Wants one record less. */
  remove(key: string, trace?: TraceCarrier): void;
  /** Publishes nothing more until the work is done: what it puts and removes comes into force together, however it is sliced. */
  inOneSet(work: SlicedWork): SlicedWork;
  /** Resolves to the epoch once the prefix is claimed: from then on `stored` says what the publisher before has left. */
  claimed(): Promise<number>;
  /** Returns the epoch while this process has the claim: not before it, nor once superseded or stopped. */
  epoch(): number | undefined;
  /** Returns the body of a stored record, as last seen; undefined when there is none or it is no JSON. */
  stored(key: string): unknown;
  /** Returns the version of the last manifest that says what was wanted at the time; undefined before the first. */
  published(): SetVersion | undefined;
  /** Returns for how long something wanted has not been stored yet, ms; 0 = the bucket, as last seen, has all of it. */
  pendingMs(): number;
  stop(): Promise<void>;
}

export const createPublisher = (bus: Bus, options: PublisherOptions): Publisher =>
  new PrefixPublisher(bus, options);

class PrefixPublisher implements Publisher {
  readonly #bus: Bus;
  readonly #options: PublisherOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #id = randomUUID();
  readonly #desired: DesiredSet;
  readonly #store: PrefixStore;
  readonly #writer: SetWriter;
  readonly #loop: BackgroundLoop;
  readonly #forgetReconnects: () => void;
  readonly #firstClaim = Promise.withResolvers<number>();
  #claim: Claim | undefined;
  #published: SetVersion | undefined;
  #pendingSinceMs: number | undefined;
  /** Works that have begun, and whose changes are to come into force together. */
  #unfinished = 0;
  #ended = false;

  constructor(bus: Bus, options: PublisherOptions) {
    const { bucket, owner, mostBytes, clock } = options;
    this.#bus = bus;
    this.#options = options;
    this.#clock = clock;
    this.#log = options.log.child({ component: 'publisher', bucket, owner });
    const metrics = createPublisherMetrics(bucket, owner);
    this.#desired = createDesiredSet(owner, (err) => {
      metrics.oversizedRecord();
      this.#log.error({ err, ...err.fields }, 'a record is too long for the bus and is left out');
    });
    this.#store = createPrefixStore(bus, {
      bucket,
      owner,
      publisher: this.#id,
      ...(mostBytes === undefined ? {} : { mostBytes }),
      log: options.log,
      clock,
      onBatch: (batch) => workInTurns(this.#noteBatch(batch)),
    });
    this.#writer = new SetWriter(this.#store, this.#desired, formatKey({ owner, kind: 'recipe' }));
    this.#loop = startBackgroundLoop({
      name: 'publisher round',
      run: () => this.#round(),
      log: this.#log,
      clock,
    });
    this.#forgetReconnects = bus.onReconnect(this.#loop.retryNow);
  }

  replace = (records: ReadonlyMap<string, PublishedRecord>): void =>
    this.#mark([...this.#desired.replace(records), ...this.#store.records.keys()]);

  complete = (): void => {
    this.#desired.complete();
    // All that was put or read is marked: until now nothing was written that would have taken a mark away.
    this.#mark([]);
  };

  put = (key: string, value: unknown, trace: TraceCarrier = {}): void => {
    if (this.#desired.put(key, { value, trace })) this.#mark([key]);
  };

  remove = (key: string, trace: TraceCarrier = {}): void => {
    if (this.#desired.remove(key, trace)) this.#mark([key]);
  };

  inOneSet = (work: SlicedWork): SlicedWork => this.#inOneSet(work);

  claimed = (): Promise<number> => this.#firstClaim.promise;

  epoch = (): number | undefined => (this.#ended ? undefined : this.#claim?.epoch);

  stored = (key: string): unknown => bodyOf(this.#store.records.get(key));

  published = (): SetVersion | undefined => this.#published;

  pendingMs = (): number =>
    this.#pendingSinceMs === undefined ? 0 : this.#clock.monotonicMs() - this.#pendingSinceMs;

  stop = async (): Promise<void> => {
    this.#forgetReconnects();
    await this.#loop.stop();
    this.#ended = true;
    await this.#store.stop();
  };

  *#inOneSet(work: SlicedWork): SlicedWork {
    this.#unfinished += 1;
    try {
      yield* work;
    } finally {
      this.#unfinished -= 1;
      if (this.#writer.isDirty()) this.#loop.wake();
    }
  }

  #mark(keys: Iterable<string>): void {
    this.#writer.mark(keys);
    if (this.#desired.known()) this.#pendingSinceMs ??= this.#clock.monotonicMs();
    this.#loop.wake();
  }

  /** Has what arrived compared, in slices. Keys are marked last: a round that compares them knows what readers refuse. */
  *#noteBatch({ reset, records }: MirrorBatch): SlicedWork {
    if (this.#claim !== undefined) yield* this.#noteOutranked(this.#claim, { reset, records });
    const isFull = createSliceMeter();
    for (const { key } of records) {
      if (isFull(0)) yield;
      this.#writer.mark([key]);
    }
    for (const key of reset ? this.#desired.keys() : []) {
      if (isFull(0)) yield;
      this.#writer.mark([key]);
    }
    if (reset || records.length > 0) this.#mark([]);
  }

  /** Notes what readers may refuse. What was on its way while the prefix was claimed may be any loser's. */
  *#noteOutranked(claim: Claim, { reset, records }: MirrorBatch): SlicedWork {
    if (reset) claim.outranked = yield* findOutranked(records, claim.epoch);
    else for (const { key, epoch } of records) if (epoch < claim.epoch) claim.outranked.add(key);
  }

  /** Publishes what may be published; returns the pause before the next round, ms. */
  async #round(): Promise<number> {
    const link = this.#bus.link();
    const isReady = !this.#ended && this.#bus.connected() && this.#store.synced();
    if (link !== undefined && isReady && this.#mayPublish()) await this.#reconcile(link);
    return this.#claim === undefined ? claimIntervalMs : reassertIntervalMs;
  }

  /** Asks whether the prefix may be claimed. One's own manifest without a claim means that the answer to it was lost. */
  #mayPublish(): boolean {
    if (this.#isUnfinished()) return false;
    const current = this.#store.records.get(this.#store.manifestKey);
    if (this.#claim !== undefined || current?.publisher === this.#id) return true;
    return this.#options.mayClaim?.(current?.epoch) !== false;
  }

  #isUnfinished(): boolean {
    return this.#unfinished > 0 && this.#desired.known();
  }

  async #reconcile(link: BusLink): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    const claim = this.#claim ?? (await this.#takeClaim(link));
    this.#firstClaim.resolve(claim.epoch);
    const { records, manifestKey } = this.#store;
    const rival = findRival(records.values(), claim);
    if (rival !== undefined) return this.#supersededBy(rival, claim);
    if (!records.has(manifestKey)) claim.revision = 0;
    // Whoever has marked as many has taken a while.
    if (this.#writer.isLarge()) await nextTurn();
    // Since this round began another set may have begun, too, of which half would be written.
    if (this.#isUnfinished()) return;
    const isKnown = this.#desired.known();
    const { seq } = await this.#writer.write(link, claim);
    if (!isKnown) return;
    this.#published = { owner: this.#options.owner, epoch: claim.epoch, seq };
    // What was wanted when this round began is stored now, however long a standby had it ready.
    this.#pendingSinceMs = this.#writer.isDirty() ? startMs : undefined;
    if (this.#writer.isDirty()) {
      await this.#clock.sleep(Math.max(minSettleMs, this.#clock.monotonicMs() - startMs));
    }
  }

  async #takeClaim(link: BusLink): Promise<Claim> {
    const { records, manifestKey } = this.#store;
    const next = nextClaim(records.values(), manifestOf(records.get(manifestKey)));
    const { epoch, inherited } = next;
    const revision = await this.#store.storeManifest(link, { schema: 1, epoch, seq: 0, ...inherited });
    this.#log.info({ epoch, revision, startsOver: next.startsOver }, 'prefix claimed');
    const claim: Claim = { ...next, publisher: this.#id, revision, outranked: new Set() };
    // What arrives from here on is noted in the claim; what has arrived meanwhile is among the records.
    this.#claim = claim;
    for (const key of await workInTurns(findOutranked([...records.values()], epoch)))
      claim.outranked.add(key);
    this.#mark(records.keys());
    return claim;
  }

  #supersededBy({ epoch }: BusRecord, claim: Claim): void {
    const { bucket, owner, onSuperseded } = this.#options;
    this.#ended = true;
    const error = new LatchkeyError(
      'PUBLISHER_SUPERSEDED',
      `Another publisher holds ${owner} in bucket ${bucket} with epoch ${epoch}, this one has ${claim.epoch}`,
      { fields: { bucket, owner, epoch: claim.epoch, otherEpoch: epoch } },
    );
    this.#log.error({ err: error }, 'publisher superseded, publishing ends');
    onSuperseded(error);
  }
}
