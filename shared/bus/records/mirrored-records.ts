import { costOf } from './cost.ts';
import type { BusRecord } from './record.ts';

/** Holds the records that a mirror knows, and sums up what they cost this process. */
export class MirroredRecords {
  readonly #byKey = new Map<string, BusRecord>();
  readonly #keepsTombstones: boolean;
  #costBytes = 0;

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
  }

  replaceAll(records: readonly BusRecord[]): void {
    this.#byKey.clear();
    this.#costBytes = 0;
    for (const record of records) this.take(record);
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
    let live = 0;
    for (const record of this.#byKey.values()) if (!record.deleted) live += 1;
    return live;
  }

  #costOfKnown(key: string): number {
    const known = this.#byKey.get(key);
    return known === undefined ? 0 : costOf(known);
  }
}
