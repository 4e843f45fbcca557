import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import { createMirror, type Mirror, type MirrorBatch } from '#shared/bus/records/mirror.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { parseKey } from '#shared/contracts/bucket.ts';
import { escapeToken } from '#shared/contracts/key-token.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { createReaderMetrics } from './reader-metrics.ts';
import { createStaging, type Staging, type Swap } from './staging.ts';

export type { RecordChange, Swap } from './staging.ts';

/** A set that stays torn this long although reading works is read again from the start. */
const tornLimitMs = 6_000;

interface ReaderOptions {
  bucket: string;
  /** The owners wanted at first. */
  owners: readonly string[];
  /** Most that the records of one owner may cost; with more the set in force stays. */
  mostBytes?: number;
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

/** Reads the owners' sets of a bucket for ever. What others write costs it nothing. */
export interface Reader {
  /** Reads these owners from now on; lets go of everything of others. */
  follow(owners: readonly string[]): void;
  /** Version of each owner's set in force. */
  applied(): SetVersion[];
  /** True once a complete set of the owner is in force. */
  isComplete(owner: string): boolean;
  /** The revision up to which the owner's records were read. */
  revision(owner: string): number;
  /** The stored records of every set in force, manifests among them, in the order of revisions. */
  records(): BusRecord[];
  /**
   * Takes what a living publisher says it has published: a set older than the one in force (a restored or an emptied
   * bucket) comes into force only with that.
   */
  vouch(published: readonly SetVersion[]): void;
  /** Totals since the start: outranked records, unreadable records, times that everything was read again. */
  counters(): { dropped: number; poison: number; resyncs: number };
  stop(): Promise<void>;
}

/** One owner of those that are read. */
interface FollowedOwner {
  staging: Staging;
  mirror: Mirror;
  /** Swaps its staged set in, if there is a new one that is complete. */
  swap(): void;
}

/** Starts reading. Waits for a missing bucket and survives whatever happens to the server, the stream and publishers. */
export function createReader(bus: Bus, options: ReaderOptions): Reader {
  const { bucket, clock, onSwap, mostBytes } = options;
  const log = options.log.child({ component: 'reader', bucket });
  const metrics = createReaderMetrics(bucket);
  const followed = new Map<string, FollowedOwner>();
  const stopping = new Set<Promise<void>>();
  let dropped = 0;
  let poison = 0;
  let formerResyncs = 0;

  function count(outcome: 'dropped' | 'poison', record: BusRecord): void {
    if (outcome === 'dropped') dropped += 1;
    else poison += 1;
    const { key, revision, epoch, seq } = record;
    log.warn({ key, revision, epoch, seq, outcome }, 'a record was left aside');
  }

  function followOwner(owner: string, initial: readonly BusRecord[]): FollowedOwner {
    const staging = createStaging(owner);
    let wholeSinceMs = clock.monotonicMs();
    let isTooLarge = false;

    const swap = (): void => {
      const step = staging.swap();
      if (step === undefined) return;
      isTooLarge = false;
      poison += step.poison;
      if (step.poison > 0) log.warn({ owner, records: step.poison }, 'unreadable records stay as they were');
      const { epoch, seq, changes } = step.swap;
      log.debug({ owner, epoch, seq, changes: changes.length }, 'a complete set is in force');
      try {
        onSwap(step.swap);
      } catch (err) {
        bus.fail(err);
      }
    };
    const stage = (record: BusRecord): void => {
      const outcome = staging.stage(record);
      if (outcome !== 'staged') count(outcome, record);
      // What follows in the batch may already belong to the next manifest.
      else if (parseKey(record.key)?.kind === 'manifest') swap();
    };
    const takeIn = (records: readonly BusRecord[]): void => {
      for (const record of records) stage(record);
      // A record may have been repaired after its manifest.
      swap();
    };
    const onBatch = ({ reset, records }: MirrorBatch): void => {
      // The round under way when its owner was let go of; another may read the same owner by now.
      if (followed.get(owner)?.staging !== staging) return;
      if (reset) staging.reset();
      takeIn(records);
      if (!staging.torn() || reset) wholeSinceMs = clock.monotonicMs();
      else if (clock.monotonicMs() - wholeSinceMs > tornLimitMs) mirror.resync('the staged set stays torn');
    };

    takeIn(initial);
    const mirror = createMirror(bus, {
      bucket,
      keys: `${escapeToken(owner)}.>`,
      ...(mostBytes === undefined ? {} : { mostBytes }),
      onTooLarge: (err) => {
        metrics.tooLarge(owner);
        if (!isTooLarge) log.error({ owner, err }, 'a set is too large, the one before stays in force');
        isTooLarge = true;
      },
      log: options.log,
      clock,
      onBatch,
    });
    return { staging, mirror, swap };
  }

  function follow(owners: readonly string[], initial: readonly BusRecord[] = []): void {
    for (const [owner, { mirror }] of followed) {
      if (owners.includes(owner)) continue;
      followed.delete(owner);
      formerResyncs += mirror.resyncs();
      const end = mirror.stop().finally(() => stopping.delete(end));
      stopping.add(end);
    }
    for (const owner of owners) {
      if (followed.has(owner)) continue;
      const own = initial.filter(({ key }) => parseKey(key)?.owner === owner);
      followed.set(owner, followOwner(owner, own));
    }
  }
  follow(options.owners, options.initial);

  return {
    follow,
    applied: () =>
      [...followed].flatMap(([owner, { staging }]) => {
        const version = staging.applied();
        return version === undefined ? [] : [{ owner, epoch: version.epoch, seq: version.seq }];
      }),
    vouch: (published) => {
      for (const version of published) {
        const one = followed.get(version.owner);
        one?.staging.vouch(version);
        one?.swap();
      }
    },
    records: () =>
      [...followed.values()]
        .flatMap(({ staging }) => staging.records())
        .sort((left, right) => left.revision - right.revision),
    isComplete: (owner) => followed.get(owner)?.staging.applied() !== undefined,
    revision: (owner) => followed.get(owner)?.mirror.revision() ?? 0,
    counters: () => {
      const resyncs = [...followed.values()].reduce(
        (sum, { mirror }) => sum + mirror.resyncs(),
        formerResyncs,
      );
      return { dropped, poison, resyncs };
    },
    stop: async () => {
      follow([]);
      await Promise.all(stopping);
    },
  };
}
