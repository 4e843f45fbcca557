import type { Logger } from 'pino';
import type { Bus } from '#shared/bus/link/bus.ts';
import type { SetVersion } from '#shared/bus/records/freshness.ts';
import { inRevisionOrder } from '#shared/bus/records/in-revision-order.ts';
import type { BusRecord } from '#shared/bus/records/record.ts';
import { escapeKeyToken } from '#shared/contracts/bus/key-token.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { type SlicedWork, workInTurns } from '#shared/runtime/turn-queue.ts';
import { FollowedOwner } from './followed-owner.ts';
import { createReaderMetrics } from './reader-metrics.ts';
import type { ChangedRecord } from './set-changes.ts';
import type { AppliedSet } from './staging.ts';

export type { AppliedSet, RecordChange } from './staging.ts';

type ReaderOptions = ReadSource & ReadTarget;

interface ReadSource {
  bucket: string;
  /** The owners wanted at first. */
  owners: readonly string[];
  /** Most that the records of one owner may cost; with more the set in force stays. */
  mostBytes?: number;
  /**
   * Whether `records` and `delivered` are asked for, or changes are read later than what `prepare` returned: yes, unless it
   * is said. Without that the bytes of a record are let go of once it is in force.
   */
  keepsRecords?: boolean;
  /** Records to begin with, as `Reader.records` gave them: in force at once, and then as if they had come over the bus. */
  initial?: readonly BusRecord[];
  log: Logger;
  clock: Clock;
}

/** Where the sets go. */
type ReadTarget =
  | {
      /**
       * Called with the difference to the owner's set before. Only complete sets arrive; an emptied, purged or recreated
       * bucket changes nothing. Values are parsed JSON of schema version 1: the caller validates them. A throw ends the
       * process (`Bus.fail`), since the difference does not come again.
       */
      onApply(set: AppliedSet): void;
    }
  | {
      /** Does in slices what can be done before, for a set that takes long; what it returns is called in the place of `onApply`. */
      prepare(set: AppliedSet): SlicedWork<() => void>;
    };

/** Reads the owners' sets of a bucket for ever. What others write costs it nothing. */
export interface Reader {
  /** Reads these owners from now on; lets go of everything of others. */
  follow(owners: readonly string[]): void;
  /** Returns the version of each owner's set in force. */
  applied(): SetVersion[];
  /** Tells whether a complete set of the owner is in force. */
  isComplete(owner: string): boolean;
  /** Returns the revision up to which the owner's records were read. */
  revision(owner: string): number;
  /** Gives the records of an owner's set in force as `onApply` had them, one by one; sets may change meanwhile. */
  delivered(owner: string): Iterable<ChangedRecord>;
  /** Returns the stored records of every set in force, manifests among them, in the order of revisions. */
  records(): Promise<BusRecord[]>;
  /**
   * Takes what a live publisher says it has published. A set older than the one in force (a restored or an emptied
   * bucket) comes into force only with that.
   */
  confirm(published: readonly SetVersion[]): void;
  stop(): Promise<void>;
}

const atOnce = (onApply: (set: AppliedSet) => void) =>
  function* prepare(set: AppliedSet): SlicedWork<() => void> {
    return () => onApply(set);
  };

/** Starts reading. Waits for a missing bucket and survives whatever happens to the server, the stream and publishers. */
export function createReader(bus: Bus, options: ReaderOptions): Reader {
  const { bucket, mostBytes, keepsRecords = true, log, clock } = options;
  const metrics = createReaderMetrics(bucket);
  const prepare = 'prepare' in options ? options.prepare : atOnce(options.onApply);
  const followed = new Map<string, FollowedOwner>();
  const stopping = new Set<Promise<void>>();

  function follow(owners: readonly string[], records: readonly BusRecord[] = []): void {
    for (const [owner, one] of followed) {
      if (owners.includes(owner)) continue;
      followed.delete(owner);
      const end = one.stop().finally(() => stopping.delete(end));
      stopping.add(end);
    }
    for (const owner of owners) {
      if (followed.has(owner)) continue;
      const initial = records.filter(({ key }) => key.startsWith(`${escapeKeyToken(owner)}.`));
      const follower = { bucket, owner, mostBytes, keepsRecords, metrics, log, clock, prepare };
      followed.set(owner, new FollowedOwner(bus, follower, initial));
    }
  }
  follow(options.owners, options.initial);

  return {
    follow,
    applied: () =>
      [...followed].flatMap(([owner, one]) => {
        const version = one.applied();
        return version === undefined ? [] : [{ owner, ...version }];
      }),
    confirm: (published) => {
      for (const version of published) followed.get(version.owner)?.confirm(version);
    },
    delivered: (owner) => followed.get(owner)?.delivered() ?? [],
    records: () => workInTurns(inRevisionOrder([...followed.values()].flatMap((one) => one.records()))),
    isComplete: (owner) => followed.get(owner)?.applied() !== undefined,
    revision: (owner) => followed.get(owner)?.revision() ?? 0,
    stop: async () => {
      follow([]);
      await Promise.all(stopping);
    },
  };
}
