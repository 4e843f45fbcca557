import { countItems } from '#shared/bus/records/cost.ts';
import { type BusRecord, parseRecordBytes } from '#shared/bus/records/record.ts';
import { parseKey, type RecordKey } from '#shared/contracts/bus/bucket.ts';
import { readPlainEntry } from '#shared/contracts/rules/plain-entry.ts';
import { mostItemsOfEntry } from '#shared/contracts/rules/rule-entry.ts';
import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';

/** One record that differs from the set before. */
export interface RecordChange extends TraceCarrier {
  key: RecordKey;
  /** The key as it is stored. */
  record?: string;
  /** The record's JSON as it came; undefined when it is gone. */
  bytes?: Uint8Array | undefined;
  /** What is parsed of it, each time that it is asked for; undefined when the record is gone. */
  readonly value: unknown;
}

/**
 * What differs between two sets. Each change is parsed when it is its turn, and kept by nobody: parsed, a set takes up to
 * twenty times its bytes. They are read before their records are let go of (`PreparedSet.shed`).
 */
export interface SetChanges extends Iterable<RecordChange> {
  readonly length: number;
  /** The same as it is stored, for a process that hands it on. */
  readonly records: readonly ChangedRecord[];
}

/** What a change needs of a record. */
export type ChangedBody = Pick<BusRecord, 'deleted' | 'bytes' | 'trace'>;

/** A record that differs: as it is now, or undefined, and its key. */
export type ChangedRecord = readonly [key: string, record: ChangedBody | undefined];

/** @param changed records whose bodies {@link parseBody} can read, or that are gone */
export const createSetChanges = (changed: readonly ChangedRecord[]): SetChanges => ({
  length: changed.length,
  records: changed,
  *[Symbol.iterator]() {
    for (const [text, record] of changed) {
      const key = parseKey(text);
      if (key === undefined) continue;
      const bytes = record === undefined || record.deleted ? undefined : record.bytes;
      yield {
        key,
        record: text,
        bytes,
        get value() {
          return bytes && parseBody(bytes);
        },
        ...record?.trace,
      };
    }
  },
});

/** Tells whether a record body can be read. Most are those of rules, which need not be parsed for it. */
export const isReadable = (bytes: Uint8Array): boolean =>
  readPlainEntry(bytes) !== undefined || parseBody(bytes) !== undefined;

/** Bytes up to which a record names few items, or none that cost much. */
const smallBytes = 65_536;

const hasTooManyItems = (bytes: Uint8Array): boolean =>
  bytes.length > smallBytes && countItems(bytes) > mostItemsOfEntry;

/** Parses a record body of a schema version that this build reads; undefined otherwise, and for more items than a rule has. */
export function parseBody(bytes: Uint8Array): unknown {
  if (hasTooManyItems(bytes)) return undefined;
  const body = parseRecordBytes(bytes);
  return typeof body === 'object' && body !== null && 'schema' in body && body.schema === 1
    ? body
    : undefined;
}
