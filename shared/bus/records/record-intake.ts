import { parseKey } from '#shared/contracts/bus/bucket.ts';
import { HeldRecord } from './held-record.ts';
import { type BusRecord, noTrace } from './record.ts';

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
  held?: ReadonlyMap<string, HeldRecord>;
}

/** What a read brought. */
export interface ReadRecords {
  /** In the order of revisions, one for each key. */
  records: Map<string, HeldRecord>;
  /** What they cost whoever keeps them (cost.ts). */
  costBytes: number;
  /** Keys of the tombstones among them. */
  tombstones: ReadonlySet<string>;
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
  readonly #held: ReadonlyMap<string, HeldRecord> | undefined;
  readonly #byKey = new Map<string, HeldRecord>();
  readonly #tombstones = new Set<string>();
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
      this.#keep(this.#fit(this.#heldOr(HeldRecord.of(record))));
      this.#lastFence = undefined;
    } else if (record.epoch > this.#fence && isFencing(record.key)) {
      const fence = this.#lastFence === undefined ? undefined : this.#byKey.get(this.#lastFence);
      if (fence !== undefined) this.#drop(fence);
      this.#keep(HeldRecord.of(record));
      this.#lastFence = record.key;
      this.#fence = record.epoch;
    }
  }

  result(): ReadRecords {
    return {
      records: this.#byKey,
      tombstones: this.#tombstones,
      costBytes: this.#costBytes,
      revision: this.#revision,
    };
  }

  /** Returns the record that is held already where it is the same: what is read again takes no second memory. */
  #heldOr(record: HeldRecord): HeldRecord {
    const held = this.#held?.get(record.key);
    return held?.isSame(record) === true ? held : record;
  }

  #keep(record: HeldRecord): void {
    this.#byKey.set(record.key, record);
    if (record.deleted) this.#tombstones.add(record.key);
    this.#costBytes += record.costBytes;
  }

  #drop(record: HeldRecord): void {
    this.#byKey.delete(record.key);
    this.#tombstones.delete(record.key);
    this.#costBytes -= record.costBytes;
  }

  /** Takes the bytes off a record that has no room. A manifest keeps them: it is one, and says which epoch comes next. */
  #fit(record: HeldRecord): HeldRecord {
    const { mostBytes, beyond } = this.#room;
    if (beyond === 'refuse') return record;
    if (record.deleted) return HeldRecord.of({ ...record, trace: noTrace });
    if (this.#costBytes + record.costBytes <= mostBytes) return record;
    if (parseKey(record.key)?.kind === 'manifest') return record;
    return HeldRecord.of({ ...record, bytes: noBytes, trace: noTrace });
  }
}

/** Tells whether a tombstone of this key raises the fence; that of a manifest, or of no key, is refused. */
function isFencing(key: string): boolean {
  const kind = parseKey(key)?.kind;
  return kind !== undefined && kind !== 'manifest';
}
