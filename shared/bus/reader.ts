import type { Logger } from 'pino';
import { parseKey } from '#shared/contracts/bucket.ts';
import { escapeToken } from '#shared/contracts/key-token.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import type { Position } from '#shared/runtime/freshness.ts';
import type { Bus } from './bus.ts';
import { createMirror, type MirrorBatch } from './mirror.ts';
import type { BusRecord } from './record.ts';
import { createStaging, type Staging, type Swap } from './staging.ts';

export type { RecordChange, Swap } from './staging.ts';

/** A set that stays torn this long although reading works is read again from the start. */
const tornLimitMs = 6_000;

interface ReaderOptions {
  bucket: string;
  /** The owners wanted; absent = every owner of the bucket. */
  owners?: readonly string[];
  /** Records to begin with, as `Reader.records` gave them: in force at once, and then as if they had come over the bus. */
  initial?: readonly BusRecord[];
  log: Logger;
  clock: Clock;
  /**
   * Called with the difference to the owner's set before. Only complete sets arrive; an emptied, purged or recreated
   * bucket changes nothing. Values are parsed JSON of schema version 1: the caller validates them. A throw ends the
   * process (`Bus.fail`), since the difference does not come again.
   */
  onSwap(swap: Swap): void;
}

/** Reads the owners' sets of a bucket for ever. */
export interface Reader {
  /** Position of each owner's set in force. */
  applied(): Position[];
  /** True once a complete set of the owner is in force. */
  isComplete(owner: string): boolean;
  /** The stored records of every set in force, manifests among them, in the order of revisions. */
  records(): BusRecord[];
  /**
   * Takes what a living publisher says it has published: a set older than the one in force (a restored or an emptied
   * bucket) comes into force only with that.
   */
  vouch(published: readonly Position[]): void;
  /** Totals since the start: outranked records, unreadable records, times that everything was read again. */
  counters(): { dropped: number; poison: number; resyncs: number };
  stop(): Promise<void>;
}

/** Starts reading. Waits for a missing bucket and survives whatever happens to the server, the stream and publishers. */
export function createReader(bus: Bus, options: ReaderOptions): Reader {
  const { bucket, clock, owners, onSwap } = options;
  const log = options.log.child({ component: 'reader', bucket });
  const stagings = new Map<string, Staging>();
  const only = owners?.length === 1 ? owners[0] : undefined;
  let dropped = 0;
  let poison = 0;
  let wholeSinceMs = clock.monotonicMs();

  function count(outcome: 'dropped' | 'poison', record: BusRecord): void {
    if (outcome === 'dropped') dropped += 1;
    else poison += 1;
    const { key, revision, epoch, seq } = record;
    log.warn({ key, revision, epoch, seq, outcome }, 'a record was left aside');
  }

  function stage(record: BusRecord): void {
    const key = parseKey(record.key);
    if (key === undefined) {
      count('poison', record);
      return;
    }
    if (owners?.includes(key.owner) === false) return;
    const staging = stagings.get(key.owner) ?? createStaging(key.owner);
    stagings.set(key.owner, staging);
    const outcome = staging.stage(record);
    if (outcome !== 'staged') count(outcome, record);
    // What follows in the batch may already belong to the next manifest.
    else if (key.kind === 'manifest') swap(key.owner, staging);
  }

  function swap(owner: string, staging: Staging): void {
    const step = staging.swap();
    if (step === undefined) return;
    poison += step.poison;
    if (step.poison > 0) log.warn({ owner, records: step.poison }, 'unreadable records stay as they were');
    const { epoch, seq, changes } = step.swap;
    log.debug({ owner, epoch, seq, changes: changes.length }, 'a complete set is in force');
    try {
      onSwap(step.swap);
    } catch (err) {
      bus.fail(err);
    }
  }

  function takeIn(records: readonly BusRecord[]): void {
    for (const record of records) stage(record);
    // A record may have been repaired after its manifest.
    for (const [owner, staging] of stagings) swap(owner, staging);
  }

  function onBatch(batch: MirrorBatch): void {
    if (batch.reset) for (const staging of stagings.values()) staging.reset();
    takeIn(batch.records);
    const torn = [...stagings.values()].some((staging) => staging.torn());
    if (!torn || batch.reset) wholeSinceMs = clock.monotonicMs();
    else if (clock.monotonicMs() - wholeSinceMs > tornLimitMs) mirror.resync('the staged set stays torn');
  }

  takeIn(options.initial ?? []);
  const mirror = createMirror(bus, {
    bucket,
    keys: only === undefined ? '>' : `${escapeToken(only)}.>`,
    log: options.log,
    clock,
    onBatch,
  });

  return {
    applied: () =>
      [...stagings].flatMap(([owner, staging]) => {
        const rank = staging.applied();
        return rank === undefined ? [] : [{ owner, epoch: rank.epoch, seq: rank.seq }];
      }),
    vouch: (published) => {
      for (const position of published) {
        const staging = stagings.get(position.owner);
        staging?.vouch(position);
        if (staging !== undefined) swap(position.owner, staging);
      }
    },
    records: () =>
      [...stagings.values()]
        .flatMap((staging) => staging.records())
        .sort((left, right) => left.revision - right.revision),
    isComplete: (owner) => stagings.get(owner)?.applied() !== undefined,
    counters: () => ({ dropped, poison, resyncs: mirror.resyncs() }),
    stop: mirror.stop,
  };
}
