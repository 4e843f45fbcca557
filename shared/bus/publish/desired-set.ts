import { maxRecordBytes } from '#shared/bus/link/buckets.ts';
import type { SetSummary } from '#shared/bus/records/claim.ts';
import { createDigestSet, recipeDigest } from '#shared/bus/records/digest.ts';
import { PageMemory } from '#shared/bus/records/page-memory.ts';
import type { DesiredRecord } from '#shared/bus/records/record.ts';
import { formatKey, parseKey } from '#shared/contracts/bus/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';

/** A record to be published: any JSON value, and the trace of the change that it comes from. */
export interface PublishedRecord {
  value: unknown;
  trace?: TraceCarrier;
}

/**
 * The set that a publisher wants to see in its prefix; unknown until it was given completely, or completed, once. A record that is too
 * long for the bus is left out of it: one such must not keep all the others from the readers.
 */
export interface DesiredSet {
  known(): boolean;
  /** Says that what was put is all that is wanted. */
  complete(): void;
  /** Takes a complete list. Returns the keys that may differ from before. */
  replace(records: ReadonlyMap<string, PublishedRecord>): string[];
  /** Sets one record. False when nothing changes. */
  put(key: string, record: PublishedRecord): boolean;
  /** Takes one record out. False when nothing changes. */
  remove(key: string, trace: TraceCarrier): boolean;
  get(key: string): DesiredRecord | undefined;
  /** Drops what is remembered of a removed key, once its tombstone is stored. */
  forgetRemoved(key: string): void;
  keys(): Iterable<string>;
  summary(): SetSummary;
}

/** Longest key: nats-server closes the connection at a control line of more than 4,096 bytes (max_control_line). */
export const mostKeyCharacters = 3_400;
/** What an error tells of a key. */
const toldCharacters = 256;

/** Says what of a record is too long for the bus; undefined when nothing is. */
function excessOf(key: string, bytes: number): string | undefined {
  if (key.length > mostKeyCharacters) {
    return `its name makes a key of ${key.length} characters, ${mostKeyCharacters} are possible on the bus`;
  }
  if (bytes <= maxRecordBytes) return undefined;
  return `it has ${bytes} bytes, ${maxRecordBytes} are possible on the bus: it names too many keys`;
}

function oversizedError(key: string, bytes: number, excess: string): LatchkeyError {
  const parsed = parseKey(key);
  const place =
    parsed?.kind === 'entry'
      ? {
          ...(parsed.namespace === undefined ? {} : { namespace: parsed.namespace }),
          secret: parsed.secret.slice(0, toldCharacters),
        }
      : {};
  return new LatchkeyError(
    'RECORD_INVALID',
    `Record ${key.slice(0, toldCharacters)} is left out: ${excess}`,
    {
      fields: { key: key.slice(0, toldCharacters), bytes, ...place },
    },
  );
}

/** @param onOversized called with RECORD_INVALID for each record that is left out */
export function createDesiredSet(owner: string, onOversized: (error: LatchkeyError) => void): DesiredSet {
  const recipeKey = formatKey({ owner, kind: 'recipe' });
  const records = new Map<string, DesiredRecord>();
  const digests = createDigestSet();
  const encoder = new TextEncoder();
  const memory = new PageMemory(Number.POSITIVE_INFINITY);
  let known = false;

  const remove = (key: string, trace: TraceCarrier): boolean => {
    if (records.get(key)?.bytes === undefined) return false;
    records.set(key, { bytes: undefined, trace });
    digests.delete(key);
    return true;
  };
  const put = (key: string, { value, trace = {} }: PublishedRecord): boolean => {
    const encoded = encoder.encode(JSON.stringify(value));
    const excess = excessOf(key, encoded.length);
    if (excess !== undefined) {
      onOversized(oversizedError(key, encoded.length, excess));
      return remove(key, trace);
    }
    const before = records.get(key)?.bytes;
    if (before !== undefined && Buffer.compare(before, encoded) === 0) return false;
    const bytes = memory.copy(encoded);
    records.set(key, { bytes, trace });
    digests.set(key, bytes);
    return true;
  };

  return {
    known: () => known,
    complete() {
      known = true;
    },
    replace(given) {
      const gone = [...records.keys()].filter((key) => !given.has(key) && remove(key, {}));
      const changed = [...given].filter(([key, record]) => put(key, record)).map(([key]) => key);
      known = true;
      return [...gone, ...changed];
    },
    put,
    remove,
    get: (key) => records.get(key),
    forgetRemoved(key) {
      if (records.get(key)?.bytes === undefined) records.delete(key);
    },
    keys: () => records.keys(),
    summary: () => ({
      count: digests.count,
      digest: digests.digest(),
      recipeDigest: recipeDigest(records.get(recipeKey)?.bytes),
      complete: true,
    }),
  };
}
