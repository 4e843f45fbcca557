import { HeldRecord } from './held-record.ts';
import type { BusRecord } from './record.ts';
import type { ReadRecords } from './record-intake.ts';

/** Holds the records that a mirror knows, and sums up what they cost this process. */
export class MirroredRecords {
  #byKey = new Map<string, HeldRecord>();
  readonly #keepsTombstones: boolean;
  #costBytes = 0;
  #live = 0;

  /** @param keepsTombstones for a publisher: they say which epochs there were, and which of its own came back */
  constructor(keepsTombstones: boolean) {
    this.#keepsTombstones = keepsTombstones;
  }

  get byKey(): ReadonlyMap<string, HeldRecord> {
    return this.#byKey;
  }

  get costBytes(): number {
    return this.#costBytes;
  }

  /** Takes a record, unless a later state is known: one's own may be noted while an older one is on its way. */
  take(given: BusRecord): void {
    const record = HeldRecord.of(given);
    const known = this.#byKey.get(record.key);
    if (known !== undefined && known.revision >= record.revision) return;
    if (record.deleted && !this.#keepsTombstones) this.#byKey.delete(record.key);
    else this.#byKey.set(record.key, record);
    this.#costBytes += record.costBytes - (known?.costBytes ?? 0);
    this.#live += liveOf(record) - liveOf(known);
  }

  /** Takes what was read in the place of all that is known, and the map itself: to copy a large one takes a while. */
  replaceAll({ records, tombstones, costBytes }: Omit<ReadRecords, 'revision'>): void {
    this.#byKey = records;
    this.#costBytes = costBytes;
    this.#live = records.size - tombstones.size;
    if (!this.#keepsTombstones) for (const key of tombstones) records.delete(key);
  }

  /** Leaves out what is known in that very revision. */
  newsAmong(records: Iterable<HeldRecord>): HeldRecord[] {
    return [...records].filter(({ key, revision }) => this.#byKey.get(key)?.revision !== revision);
  }

  /** Computes what everything would cost with these, bytes. */
  costWith(news: readonly HeldRecord[]): number {
    return news.reduce(
      (sum, { key, costBytes }) => sum + costBytes - (this.#byKey.get(key)?.costBytes ?? 0),
      this.#costBytes,
    );
  }

  /** Counts the records that are no tombstones. */
  live(): number {
    return this.#live;
  }
}

const liveOf = (record: BusRecord | undefined): number => (record === undefined || record.deleted ? 0 : 1);
