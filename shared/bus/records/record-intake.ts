import { parseKey } from '#shared/contracts/bus/bucket.ts';
import { costOf } from './cost.ts';
import type { BusRecord } from './record.ts';

/**
 * Bounds what is read. With more than `mostBytes`, either the reading ends, or records have no bytes from there on: their
 * writer has to see each of them, tombstones too. A reader sees only tombstones of what it knows.
 */
export interface ReadRoom {
  mostBytes: number;
  beyond: 'refuse' | 'strip';
}

/** What is known before a read. */
export interface KnownBefore {
  /** The revision after which it begins. */
  afterRevision: number;
  /** Tells what whoever reads has: a tombstone of another key tells it nothing but an epoch. */
  isKnown: (key: string) => boolean;
  /** Records that are held, and given back where the same ones are read again. */
  held?: ReadonlyMap<string, BusRecord>;
}

/** What a read brought. */
export interface ReadRecords {
  /** In the order of revisions, one for each key. */
  records: BusRecord[];
  /** What they cost whoever keeps them (cost.ts). */
  costBytes: number;
  /** The last revision that was read, also where its record is not among them. */
  revision: number;
}

const noBytes = new Uint8Array();

/**
 * Takes in what a read brings, one record for each key. Of the tombstones of names that a reader does not know it keeps
 * those that raise the fence (staging.ts), one in a row: whoever makes and removes names without end takes no memory.
 */
export class RecordIntake {
  readonly #room: ReadRoom;
  readonly #isKnown: (key: string) => boolean;
  readonly #held: ReadonlyMap<string, BusRecord> | undefined;
  readonly #byKey = new Map<string, BusRecord>();
  #revision: number;
  #costBytes = 0;
  /** Highest epoch among the tombstones kept for it. */
  #fence = 0;
  /** Key of such a tombstone, while nothing was kept after it. */
  #lastFence: string | undefined;

  constructor(room: ReadRoom, since: KnownBefore) {
    this.#room = room;
    this.#isKnown = since.isKnown;
    this.#held = since.held;
    this.#revision = since.afterRevision;
  }

  get costBytes(): number {
    return this.#costBytes;
  }

  take(record: BusRecord): void {
    this.#revision = record.revision;
    const before = this.#byKey.get(record.key);
    if (before !== undefined) this.#drop(before);
    if (this.#room.beyond === 'strip' || !record.deleted || this.#isKnown(record.key)) {
      this.#keep(this.#fit(this.#heldOr(record)));
      this.#lastFence = undefined;
    } else if (record.epoch > this.#fence && isFencing(record.key)) {
      if (this.#lastFence !== undefined) this.#byKey.delete(this.#lastFence);
      this.#keep(record);
      this.#lastFence = record.key;
      this.#fence = record.epoch;
    }
  }

  result(): ReadRecords {
    return { records: [...this.#byKey.values()], costBytes: this.#costBytes, revision: this.#revision };
  }

  /** Returns the record that is held already where it is the same: what is read again takes no second memory. */
  #heldOr(record: BusRecord): BusRecord {
    const held = this.#held?.get(record.key);
    return held !== undefined && isSameRecord(held, record) ? held : record;
  }

  #keep(record: BusRecord): void {
    this.#byKey.set(record.key, record);
    this.#costBytes += costOf(record);
  }

  #drop(record: BusRecord): void {
    this.#byKey.delete(record.key);
    this.#costBytes -= costOf(record);
  }

  /** Takes the bytes off a record that has no room. A manifest keeps them: it is one, and says which epoch comes next. */
  #fit(record: BusRecord): BusRecord {
    const { mostBytes, beyond } = this.#room;
    if (beyond === 'refuse') return record;
    if (record.deleted) return { ...record, trace: {} };
    if (this.#costBytes + costOf(record) <= mostBytes) return record;
    if (parseKey(record.key)?.kind === 'manifest') return record;
    return { ...record, bytes: noBytes, trace: {} };
  }
}

/** Tells whether a tombstone of this key raises the fence; that of a manifest, or of no key, is refused. */
function isFencing(key: string): boolean {
  const kind = parseKey(key)?.kind;
  return kind !== undefined && kind !== 'manifest';
}

function isSameRecord(left: BusRecord, right: BusRecord): boolean {
  return (
    left.revision === right.revision &&
    left.epoch === right.epoch &&
    left.seq === right.seq &&
    left.publisher === right.publisher &&
    left.deleted === right.deleted &&
    left.trace.traceparent === right.trace.traceparent &&
    left.trace.tracestate === right.trace.tracestate &&
    Buffer.compare(left.bytes, right.bytes) === 0
  );
}
