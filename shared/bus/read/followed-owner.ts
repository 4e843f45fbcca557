import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import { createMirror, type Mirror, type MirrorBatch } from '#shared/bus/records/mirror.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import type { Version } from '#shared/bus/records/version.ts';
import { formatKey } from '#shared/contracts/bus/bucket.ts';
import { escapeKeyToken } from '#shared/contracts/bus/key-token.ts';
import type { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createLineLimit, type LineLimit } from '#shared/runtime/line-limit.ts';
import { createSliceMeter, type SlicedWork, TurnQueue } from '#shared/runtime/turn-queue.ts';
import type { ReaderMetrics } from './reader-metrics.ts';
import type { ChangedRecord } from './set-changes.ts';
import { SetDoubt } from './set-doubt.ts';
import { type AppliedSet, createStaging, type PreparedSet, type Rejection, type Staging } from './staging.ts';

interface FollowOptions {
  bucket: string;
  owner: string;
  mostBytes: number | undefined;
  /** Whether the records of a set in force can still be read: without that, only what tells them apart is kept. */
  keepsRecords: boolean;
  metrics: ReaderMetrics;
  log: Logger;
  clock: Clock;
  /** Makes a set ready in slices; what it returns puts it in force, in one step. */
  prepare(set: AppliedSet): SlicedWork<() => void>;
}

/** One owner of those that are read: its mirror fills its staging, which says when a set is complete. */
export class FollowedOwner {
  readonly #bus: Bus;
  readonly #options: FollowOptions;
  readonly #log: Logger;
  readonly #staging: Staging;
  readonly #mirror: Mirror;
  readonly #doubt: SetDoubt;
  readonly #manifestKey: string;
  /** Of refused records: whoever has the owner's login may write any number. */
  readonly #mayTell: LineLimit;
  /** What is staged and put in force, a slice in each turn of the event loop. */
  readonly #work = new TurnQueue();
  #isRead = false;
  #isEnded = false;
  #isTooLarge = false;

  /** @param initial records in force at once, and then as if they had come over the bus */
  constructor(bus: Bus, options: FollowOptions, initial: readonly BusRecord[]) {
    const { bucket, owner, mostBytes, clock } = options;
    this.#bus = bus;
    this.#options = options;
    this.#log = options.log.child({ component: 'reader', bucket, owner });
    this.#mayTell = createLineLimit(clock);
    this.#manifestKey = formatKey({ owner, kind: 'manifest' });
    this.#staging = createStaging(owner);
    this.#doubt = new SetDoubt(clock.monotonicMs());
    this.#do(this.#takeIn(initial));
    this.#mirror = createMirror(bus, {
      bucket,
      keys: `${escapeKeyToken(owner)}.>`,
      ...(mostBytes === undefined ? {} : { mostBytes }),
      onTooLarge: (err) => this.#tooLarge(err),
      log: options.log,
      clock,
      onBatch: (batch) => this.#work.run(this.#takeBatch(batch)),
    });
  }

  applied(): Version | undefined {
    return this.#staging.applied();
  }

  delivered(): Iterable<ChangedRecord> {
    return this.#staging.delivered();
  }

  records(): BusRecord[] {
    return this.#staging.records();
  }

  /** Returns the revision up to which everything was read. */
  revision(): number {
    return this.#mirror.revision();
  }

  /** Takes the version that a live publisher says it has published, which may let an older set in. */
  confirm(published: Version): void {
    this.#staging.confirm(published);
    this.#do(this.#apply());
    this.#doubt.notePublished(published, this.applied(), this.#options.clock.monotonicMs());
  }

  stop(): Promise<void> {
    this.#isEnded = true;
    this.#work.end();
    return this.#mirror.stop();
  }

  #do(work: SlicedWork): void {
    this.#work.run(work)?.catch((err: unknown) => this.#bus.fail(err));
  }

  *#takeBatch({ reset, records }: MirrorBatch): SlicedWork {
    // The round under way when its owner was let go of; another may read the same owner by now.
    if (this.#isEnded) return;
    const { owner, metrics, clock } = this.#options;
    if (reset) {
      this.#staging.reset();
      if (this.#isRead) metrics.resync(owner);
      this.#isRead = true;
    }
    yield* this.#takeIn(records);
    const read = { reset, isInconsistent: this.#staging.isInconsistent(), applied: this.applied() };
    const reason = this.#doubt.noteRead(read, clock.monotonicMs());
    if (reason !== undefined) this.#mirror.resync(reason);
  }

  *#takeIn(records: readonly BusRecord[]): SlicedWork {
    const isFull = createSliceMeter();
    for (const record of records) {
      if (isFull(record.bytes.length)) yield;
      const outcome = this.#staging.stage(record);
      if (outcome !== 'staged') this.#reject(record, outcome);
      // What follows in the batch may already belong to the next manifest.
      else if (record.key === this.#manifestKey) yield* this.#apply();
    }
    // A record may have been repaired after its manifest.
    yield* this.#apply();
  }

  /** Puts in force what may be, and looks again: a heartbeat may have confirmed a set meanwhile. */
  *#apply(): SlicedWork {
    for (;;) {
      const step = yield* this.#staging.prepare();
      if (step === undefined) return;
      try {
        const putInForce = yield* this.#options.prepare(step.set);
        step.commit();
        putInForce();
      } catch (err) {
        this.#bus.fail(err);
        return;
      }
      this.#noteApplied(step);
      if (!this.#options.keepsRecords) yield* step.shed();
    }
  }

  #noteApplied({ set, malformed }: PreparedSet): void {
    const { owner, metrics } = this.#options;
    this.#isTooLarge = false;
    if (malformed > 0) {
      metrics.rejected(owner, 'malformed', malformed);
      this.#log.warn({ records: malformed }, 'malformed records refused, their former values stay in force');
    }
    this.#log.debug({ epoch: set.epoch, seq: set.seq, changes: set.changes.length }, 'set applied');
  }

  #reject({ key, revision, epoch, seq }: BusRecord, reason: Rejection): void {
    this.#options.metrics.rejected(this.#options.owner, reason, 1);
    const told = this.#mayTell();
    if (told !== undefined) this.#log.warn({ key, revision, epoch, seq, reason, ...told }, 'record refused');
  }

  #tooLarge(err: LatchkeyError): void {
    this.#options.metrics.tooLarge(this.#options.owner);
    if (!this.#isTooLarge) this.#log.error({ err }, 'set is too large, the one before stays in force');
    this.#isTooLarge = true;
  }
}
