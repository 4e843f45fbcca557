import { costOf } from './cost.ts';
import type { BusRecord } from './record.ts';
import type { ReadRecords } from './record-intake.ts';

/** Holds the records that a mirror knows, and sums up what they cost this process. */
export class MirroredRecords {
  #byKey = new Map<string, BusRecord>();
  readonly #keepsTombstones: boolean;
  #costBytes = 0;
  #live = 0;

  /** @param keepsTombstones for a publisher: they say which epochs there were, and which of its own came back */
  constructor(keepsTombstones: boolean) {
    this.#keepsTombstones = keepsTombstones;
  }

  get byKey(): ReadonlyMap<string, BusRecord> {
    return this.#byKey;
  }

  get costBytes(): number {
    return this.#costBytes;
  }

  /** Takes a record, unless a later state is known: one's own may be noted while an older one is on its way. */
  take(record: BusRecord): void {
    const known = this.#byKey.get(record.key);
    if (known !== undefined && known.revision >= record.revision) return;
    if (record.deleted && !this.#keepsTombstones) this.#byKey.delete(record.key);
    else this.#byKey.set(record.key, record);
    this.#costBytes += costOf(record) - (known === undefined ? 0 : costOf(known));
    this.#live += liveOf(record) - liveOf(known);
  }

  /** Takes what was read in the place of all that is known. */
  replaceAll({ records, costBytes }: Pick<ReadRecords, 'records' | 'costBytes'>): void {
    this.#byKey = new Map();
    this.#costBytes = costBytes;
    this.#live = 0;
    for (const record of records) {
      this.#live += liveOf(record);
      if (!record.deleted || this.#keepsTombstones) this.#byKey.set(record.key, record);
    }
  }

  /** Leaves out what is known in that very revision. */
  newsAmong(records: readonly BusRecord[]): BusRecord[] {
    return records.filter(({ key, revision }) => this.#byKey.get(key)?.revision !== revision);
  }

  /** Computes what everything would cost with these, bytes. */
  costWith(news: readonly BusRecord[]): number {
    return news.reduce(
      (sum, record) => sum + costOf(record) - this.#costOfKnown(record.key),
      this.#costBytes,
    );
  }

  /** Counts the records that are no tombstones. */
  live(): number {
    return this.#live;
  }

  #costOfKnown(key: string): number {
    const known = this.#byKey.get(key);
    return known === undefined ? 0 : costOf(known);
  }
}

const liveOf = (record: BusRecord | undefined): number => (record === undefined || record.deleted ? 0 : 1);
