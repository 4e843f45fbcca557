import type { HeldRecord } from '#shared/bus/records/held-record.ts';

const nothing: ReadonlyMap<string, HeldRecord> = new Map();

/**
 * The records of an owner that are staged, by key: what has arrived, and under every other key what is in force. So a
 * hundred thousand records are not listed twice because one of them changes. After a reset what has arrived is all.
 */
export class StagedRecords {
  readonly #base: ReadonlyMap<string, HeldRecord>;
  /** Tombstones too, until they come into force, of what is in force. */
  readonly #arrived = new Map<string, HeldRecord>();

  /** @param inForce what arrivals are staged over; absent after a reset, since everything arrives again */
  constructor(inForce: ReadonlyMap<string, HeldRecord> = nothing) {
    this.#base = inForce;
  }

  /** Tells whether what has arrived is the whole set. */
  get isWhole(): boolean {
    return this.#base === nothing;
  }

  /** What has arrived, and nothing else: what may differ from the set in force. */
  get arrived(): Map<string, HeldRecord> {
    return this.#arrived;
  }

  get(key: string): HeldRecord | undefined {
    return this.#arrived.get(key) ?? this.#base.get(key);
  }

  put(record: HeldRecord): void {
    this.#arrived.set(record.key, record);
  }

  /** Forgets what has arrived under a key of which nothing is in force. */
  forget(key: string): void {
    this.#arrived.delete(key);
  }
}
