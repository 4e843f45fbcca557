import type { HeldRecord } from '#shared/bus/records/held-record.ts';
import { createSliceMeter, type SlicedWork } from '#shared/runtime/turn-queue.ts';
import { type ChangedRecord, isReadable } from './set-changes.ts';
import type { StagedRecords } from './staged-records.ts';

type RecordMap = ReadonlyMap<string, HeldRecord>;

/** So many changes are put in force in place; for more it takes a copy, made before, in the place of what is in force. */
const mostInPlace = 2_000;

/** What a set would change. */
interface Comparison {
  /** What the consumer has to know. */
  changed: ChangedRecord[];
  /** Counts the records that cannot be read, whose former values stay. */
  malformed: number;
  /** Puts the set in force, in one step. What was staged is used up. */
  commit(): void;
}

/** What one record of a set means. */
type Outcome = 'same' | 'changed' | 'malformed' | 'gone';

/** The records of the set in force, and what the consumer has of them. */
export class RecordsInForce {
  #byKey = new Map<string, HeldRecord>();
  /** The record whose value the consumer has, if any, by key of one that is malformed. */
  readonly #former = new Map<string, HeldRecord | undefined>();

  get byKey(): RecordMap {
    return this.#byKey;
  }

  /** Gives what the consumer has: of a malformed record the one before it. */
  *delivered(): Iterable<ChangedRecord> {
    for (const key of this.#byKey.keys()) {
      const delivered = this.#deliveredOf(key);
      if (delivered !== undefined && !delivered.deleted) yield [key, delivered];
    }
  }

  *compare(staged: StagedRecords): SlicedWork<Comparison> {
    const { arrived, isWhole } = staged;
    const changed: ChangedRecord[] = [];
    const malformed = new Map<string, HeldRecord | undefined>();
    const isFull = createSliceMeter();
    for (const key of isWhole ? union(this.#byKey, arrived) : arrived.keys()) {
      const next = staged.get(key);
      if (isFull(next?.bytes.length ?? 0)) yield;
      const before = this.#deliveredOf(key);
      const outcome = outcomeOf(next, before);
      if (outcome === 'malformed') malformed.set(key, before);
      if (outcome === 'changed' || (outcome === 'gone' && before !== undefined)) changed.push([key, next]);
    }
    const replacing = isWhole ? arrived : yield* this.#withMany(arrived);
    const tombstones = replacing === undefined ? [] : yield* tombstonesIn(replacing);
    return {
      changed,
      malformed: malformed.size,
      commit: () => {
        this.#noteMalformed(malformed, isWhole ? undefined : arrived);
        for (const key of tombstones) replacing?.delete(key);
        if (replacing !== undefined) this.#byKey = replacing;
        else for (const record of arrived.values()) this.#put(record);
      },
    };
  }

  /**
   * Lets go of the bytes of what is in force under some keys, in slices: that a record has the same ones tells its hash.
   */
  *shed(keys: Iterable<string>, mayShed: (key: string) => boolean): SlicedWork {
    const isFull = createSliceMeter();
    for (const key of keys) {
      if (isFull(0)) yield;
      if (mayShed(key)) this.#byKey.get(key)?.shed();
    }
  }

  #deliveredOf(key: string): HeldRecord | undefined {
    return this.#former.has(key) ? this.#former.get(key) : this.#byKey.get(key);
  }

  /** @param compared what was looked at; undefined: everything */
  #noteMalformed(
    malformed: ReadonlyMap<string, HeldRecord | undefined>,
    compared: RecordMap | undefined,
  ): void {
    for (const key of this.#former.keys()) if (compared?.has(key) !== false) this.#former.delete(key);
    for (const [key, before] of malformed) this.#former.set(key, before);
  }

  #put(record: HeldRecord): void {
    if (record.deleted) this.#byKey.delete(record.key);
    else this.#byKey.set(record.key, record);
  }

  /** Copies what is in force with what has arrived, where that is too much to be put in place. */
  *#withMany(arrived: RecordMap): SlicedWork<Map<string, HeldRecord> | undefined> {
    if (arrived.size <= mostInPlace) return undefined;
    const copy = new Map<string, HeldRecord>();
    const isFull = createSliceMeter();
    for (const records of [this.#byKey, arrived]) {
      for (const [key, record] of records) {
        if (isFull(0)) yield;
        copy.set(key, record);
      }
    }
    return copy;
  }
}

function outcomeOf(next: HeldRecord | undefined, before: HeldRecord | undefined): Outcome {
  if (next === undefined || next.deleted) return 'gone';
  if (before === next || before?.hash === next.hash) return 'same';
  return isReadable(next.bytes) ? 'changed' : 'malformed';
}

function* union(first: RecordMap, second: RecordMap): Generator<string> {
  yield* first.keys();
  for (const key of second.keys()) if (!first.has(key)) yield key;
}

function* tombstonesIn(records: RecordMap): SlicedWork<string[]> {
  const tombstones: string[] = [];
  const isFull = createSliceMeter();
  for (const { key, deleted } of records.values()) {
    if (isFull(0)) yield;
    if (deleted) tombstones.push(key);
  }
  return tombstones;
}
