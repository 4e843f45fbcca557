import { formatKey } from '#shared/contracts/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Manifest } from '#shared/contracts/manifest.ts';
import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';
import { maxRecordBytes } from './buckets.ts';
import { createDigestSet, recipeDigest } from './digest.ts';

/** A record to be published: any JSON value, and the trace of the change that it comes from. */
export interface PublishedRecord {
  value: unknown;
  trace?: TraceCarrier;
}

/** What a key should hold; without bytes, nothing. */
export interface DesiredRecord {
  bytes: Uint8Array | undefined;
  trace: TraceCarrier;
}

/** What a manifest says of a set, without the publisher's position. */
export type SetSummary = Pick<Manifest, 'count' | 'digest' | 'recipeDigest' | 'complete'>;

export const emptySummary: SetSummary = {
  count: 0,
  digest: createDigestSet().digest(),
  recipeDigest: '',
  complete: false,
};

/** The set that a publisher wants to see in its prefix; unknown until it was given completely once. */
export interface DesiredSet {
  known(): boolean;
  /** Takes a complete list. Returns the keys that may differ from before. Throws RECORD_INVALID. */
  replace(records: ReadonlyMap<string, PublishedRecord>): string[];
  /** Sets one record. False when nothing changes. Throws RECORD_INVALID. */
  put(key: string, record: PublishedRecord): boolean;
  /** Takes one record out. False when nothing changes. */
  remove(key: string, trace: TraceCarrier): boolean;
  get(key: string): DesiredRecord | undefined;
  /** Drops what is remembered of a removed key, once its tombstone is stored. */
  forgetRemoved(key: string): void;
  keys(): Iterable<string>;
  summary(): SetSummary;
}

function encode(key: string, value: unknown): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(value));
  if (bytes.length <= maxRecordBytes) return bytes;
  throw new LatchkeyError(
    'RECORD_INVALID',
    `Record ${key} has ${bytes.length} bytes, ${maxRecordBytes} are possible on the bus: it names too many keys`,
    { fields: { key, bytes: bytes.length } },
  );
}

export function createDesiredSet(owner: string): DesiredSet {
  const recipeKey = formatKey({ owner, kind: 'recipe' });
  const records = new Map<string, DesiredRecord>();
  const digests = createDigestSet();
  let known = false;

  const put = (key: string, record: PublishedRecord): boolean => {
    const bytes = encode(key, record.value);
    const before = records.get(key)?.bytes;
    if (before !== undefined && Buffer.compare(before, bytes) === 0) return false;
    records.set(key, { bytes, trace: record.trace ?? {} });
    digests.set(key, bytes);
    return true;
  };
  const remove = (key: string, trace: TraceCarrier): boolean => {
    if (records.get(key)?.bytes === undefined) return false;
    records.set(key, { bytes: undefined, trace });
    digests.delete(key);
    return true;
  };

  return {
    known: () => known,
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
