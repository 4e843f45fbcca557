import type { BusRecord } from '#shared/bus/records/record.ts';
import { createSliceMeter, type SlicedWork } from '#shared/runtime/turn-queue.ts';
import { type ChangedRecord, parseBody } from './set-changes.ts';

type RecordMap = ReadonlyMap<string, BusRecord>;

/** So many changes are put in force in place; for more it takes a copy, made before, in the place of what is in force. */
const mostInPlace = 2_000;

/** What a set would change. */
interface Comparison {
  /** What the consumer has to know. */
  changed: ChangedRecord[];
  /** Counts the records that cannot be read, whose former values stay. */
  malformed: number;
  /** Puts the set in force, in one step; returns it without the tombstones that have done their work. */
  commit(): Map<string, BusRecord>;
}

/** What one record of a set means. */
type Outcome = 'same' | 'changed' | 'malformed' | 'gone';

/** The records of the set in force, and what the consumer has of them. */
export class RecordsInForce {
  #byKey = new Map<string, BusRecord>();
  /** The record whose value the consumer has, if any, by key of one that is malformed. */
  readonly #former = new Map<string, BusRecord | undefined>();

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  records(): Iterable<BusRecord> {
    return this.#byKey.values();
  }

  /** Gives what the consumer has: of a malformed record the one before it. */
  *delivered(): Iterable<ChangedRecord> {
    for (const [key, record] of this.#byKey) {
      const delivered = this.#former.has(key) ? this.#former.get(key) : record;
      if (delivered !== undefined && !delivered.deleted) yield [key, delivered];
    }
  }

  /** @param keys those that may differ; undefined: all */
  *compare(staged: Map<string, BusRecord>, keys: ReadonlySet<string> | undefined): SlicedWork<Comparison> {
    const outcomes: [key: string, outcome: Outcome][] = [];
    const changed: ChangedRecord[] = [];
    let malformed = 0;
    const isFull = createSliceMeter();
    for (const key of keys ?? union(this.#byKey, staged)) {
      const next = staged.get(key);
      if (isFull(next?.bytes.length ?? 0)) yield;
      const before = this.#deliveredOf(key);
      const outcome = outcomeOf(next, before);
      if (outcome === 'malformed') malformed += 1;
      if (outcome === 'changed' || (outcome === 'gone' && before !== undefined)) changed.push([key, next]);
      if (this.#byKey.get(key) !== next || outcome === 'malformed') outcomes.push([key, outcome]);
    }
    const copies = outcomes.length > mostInPlace ? yield* copyTwice(staged) : undefined;
    return { changed, malformed, commit: () => this.#commit(staged, { outcomes, malformed }, copies) };
  }

  #deliveredOf(key: string): BusRecord | undefined {
    return this.#former.has(key) ? this.#former.get(key) : this.#byKey.get(key);
  }

  #commit(
    staged: Map<string, BusRecord>,
    { outcomes, malformed }: { outcomes: readonly [key: string, outcome: Outcome][]; malformed: number },
    copies: [Map<string, BusRecord>, Map<string, BusRecord>] | undefined,
  ): Map<string, BusRecord> {
    // A new set without a malformed record has nothing to remember, however large it is.
    const isPlain = copies !== undefined && malformed === 0 && this.#former.size === 0;
    for (const [key, outcome] of isPlain ? [] : outcomes) {
      if (outcome === 'malformed') this.#former.set(key, this.#deliveredOf(key));
      else if (this.#former.size > 0) this.#former.delete(key);
      if (copies === undefined) this.#put(key, staged);
    }
    if (copies === undefined) return staged;
    this.#byKey = copies[0];
    return copies[1];
  }

  #put(key: string, staged: Map<string, BusRecord>): void {
    const record = staged.get(key);
    if (record !== undefined && !record.deleted) {
      this.#byKey.set(key, record);
      return;
    }
    this.#byKey.delete(key);
    staged.delete(key);
  }
}

function outcomeOf(next: BusRecord | undefined, before: BusRecord | undefined): Outcome {
  if (next === undefined || next.deleted) return 'gone';
  if (before === next) return 'same';
  if (before !== undefined && Buffer.compare(before.bytes, next.bytes) === 0) return 'same';
  return parseBody(next.bytes) === undefined ? 'malformed' : 'changed';
}

function* union(first: RecordMap, second: RecordMap): Generator<string> {
  yield* first.keys();
  for (const key of second.keys()) if (!first.has(key)) yield key;
}

/** Copies what is no tombstone, in slices: a map of a hundred thousand records takes a while to grow. */
function* copyTwice(records: RecordMap): SlicedWork<[Map<string, BusRecord>, Map<string, BusRecord>]> {
  const copies: [Map<string, BusRecord>, Map<string, BusRecord>] = [new Map(), new Map()];
  const isFull = createSliceMeter();
  for (const [key, record] of records) {
    if (isFull(0)) yield;
    if (record.deleted) continue;
    for (const copy of copies) copy.set(key, record);
  }
  return copies;
}
