import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { epochHeader, maxVersionNumber, sequenceHeader } from '#shared/contracts/bus/bucket.ts';
import { findForeignExcess } from '#shared/core/text/json-excess.ts';
import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';
import type { MessageHeaders } from './message-headers.ts';

/** One stored record of a bucket as it came from the server; a tombstone when `deleted`. */
export interface BusRecord {
  key: string;
  /** Sequence of the message in the stream; grows with every write to the bucket. */
  revision: number;
  /** Fencing number and manifest count of the publisher that wrote it; 0 when the headers are missing. */
  epoch: number;
  seq: number;
  /** Identity of the publishing process; tells two publishers of one epoch apart. */
  publisher: string;
  deleted: boolean;
  bytes: Uint8Array;
  trace: TraceCarrier;
}

/** What should be stored under a key; without bytes, nothing. */
export interface DesiredRecord {
  bytes: Uint8Array | undefined;
  trace: TraceCarrier;
}

/** Parses the JSON of a stored record; undefined for a tombstone, and for what {@link parseRecordBytes} does not parse. */
export const bodyOf = (record: BusRecord | undefined): unknown =>
  record === undefined || record.deleted ? undefined : parseRecordBytes(record.bytes);

/** Of a record that no trace brought, or whose trace nobody reads any more. */
export const noTrace: TraceCarrier = Object.freeze({});

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Parses JSON from the bus; undefined for what is none, and for what would hold the event loop up. */
export function parseRecordBytes(bytes: Uint8Array): unknown {
  if (findForeignExcess(bytes) !== undefined) return undefined;
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}

/** What a publisher says of a record besides its bytes. */
type RecordStamp = Pick<BusRecord, 'epoch' | 'seq' | 'publisher' | 'deleted' | 'trace'>;

const publisherHeader = 'Latchkey-Publisher';
/** KV operation header (NATS ADR-8), understood by `nats kv`. */
const operationHeader = 'KV-Operation';
/** Longest header that is kept: a random id, a W3C `traceparent`, and what W3C asks everybody to carry of a `tracestate`. */
const headerCharacters = { publisher: 64, traceparent: 55, tracestate: 512 } as const;
/**
 * Tombstones remove themselves after this, ms (per-message TTL, nats-server 2.11): names that come and go leave nothing behind.
 * It is longer than the audit of mirror-schedule.ts, so that a reader who was away for longer reads everything again.
 */
export const tombstoneTtlMs = 600_000;

/** Makes the headers of a record to be published. */
export function formatHeaders(stamp: RecordStamp): MsgHdrs {
  const result = headers();
  result.set(epochHeader, String(stamp.epoch));
  result.set(sequenceHeader, String(stamp.seq));
  result.set(publisherHeader, stamp.publisher);
  if (stamp.deleted) {
    result.set(operationHeader, 'DEL');
    result.set('Nats-TTL', `${tombstoneTtlMs / 1_000}s`);
  }
  for (const [name, value] of Object.entries(stamp.trace)) result.set(name, value);
  return result;
}

function count(value: string): number {
  const number = Number(value);
  return Number.isSafeInteger(number) && number >= 0 && number <= maxVersionNumber ? number : 0;
}

/** Copies a string: one cut out of an answer would keep the whole answer in memory. */
export const ownString = (value: string): string => Buffer.from(value).toString();

/** Returns a header of its own, or the empty string where it is longer than any that a publisher writes. */
const shortHeader = (given: Pick<MessageHeaders, 'get'>, name: string, most: number): string => {
  const value = given.get(name);
  return value.length > most ? '' : ownString(value);
};

/**
 * Reads the headers of a stored record. Garbage in a number, or more than `maxVersionNumber`, reads as 0, below that of any
 * real publisher; a text that is too long reads as none.
 */
export function parseHeaders(given: Pick<MessageHeaders, 'get' | 'has'>): RecordStamp {
  const operation = given.get(operationHeader);
  const traceparent = shortHeader(given, 'traceparent', headerCharacters.traceparent);
  const tracestate = shortHeader(given, 'tracestate', headerCharacters.tracestate);
  return {
    epoch: count(given.get(epochHeader)),
    seq: count(given.get(sequenceHeader)),
    publisher: shortHeader(given, publisherHeader, headerCharacters.publisher),
    deleted: operation === 'DEL' || operation === 'PURGE' || given.has('Nats-Marker-Reason'),
    trace: traceOf(traceparent, tracestate),
  };
}

function traceOf(traceparent: string, tracestate: string): TraceCarrier {
  if (traceparent === '' && tracestate === '') return noTrace;
  return { ...(traceparent === '' ? {} : { traceparent }), ...(tracestate === '' ? {} : { tracestate }) };
}
