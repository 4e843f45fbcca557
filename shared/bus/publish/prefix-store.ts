import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { type Bus, type BusLink, requestTimeoutMs } from '#shared/bus/link/bus.ts';
import { createMirror, type MirrorOptions } from '#shared/bus/records/mirror.ts';
import { type BusRecord, type DesiredRecord, formatHeaders } from '#shared/bus/records/record.ts';
import { formatKey, subjectOf } from '#shared/contracts/bus/bucket.ts';
import { escapeKeyToken } from '#shared/contracts/bus/key-token.ts';
import type { Manifest } from '#shared/contracts/bus/manifest.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';

/** JetStream error: the stream failed to store a message, for the reason that its description names. */
const streamStoreFailed = 10_077;

const isFull = (err: unknown): boolean =>
  err instanceof JetStreamApiError &&
  err.code === streamStoreFailed &&
  /maximum (bytes|messages)/.test(err.message);

const fullError = (bucket: string, { key, bytes }: Pick<BusRecord, 'key' | 'bytes'>, cause: unknown) =>
  new LatchkeyError(
    'BUS_FULL',
    `Bucket ${bucket} has no room for record ${key} of ${bytes.length} bytes: purge what nobody needs, or raise bus.bucketMiB`,
    { cause, fields: { bucket, key, bytes: bytes.length } },
  );

/** One owner's prefix of a bucket, mirrored; what the server acknowledged stands in the mirror at once. */
export interface PrefixStore {
  readonly manifestKey: string;
  /** The stored records by key, as last seen; tombstones included. */
  readonly records: ReadonlyMap<string, BusRecord>;
  /** Tells whether everything was read, also when there was nothing. */
  synced(): boolean;
  /**
   * Stores a record, or a tombstone where `wanted` has no bytes.
   * @throws BUS_FULL when the bucket has no room for it
   */
  storeRecord(
    link: BusLink,
    record: { key: string; epoch: number; seq: number; wanted: DesiredRecord | undefined },
  ): Promise<void>;
  /**
   * Stores the manifest if the stored one is still the one that the mirror has, and returns its revision.
   * @throws BUS_FULL when the bucket has no room for it
   * @throws the server's refusal when another manifest is stored; everything is read again then
   */
  storeManifest(link: BusLink, manifest: Manifest): Promise<number>;
  stop(): Promise<void>;
}

/** @param prefix.onBatch called as that of a mirror */
export function createPrefixStore(
  bus: Bus,
  prefix: Pick<MirrorOptions, 'bucket' | 'mostBytes' | 'log' | 'clock' | 'onBatch'> & {
    owner: string;
    publisher: string;
  },
): PrefixStore {
  const { owner, publisher, ...mirrored } = prefix;
  const { bucket } = mirrored;
  const manifestKey = formatKey({ owner, kind: 'manifest' });
  const mirror = createMirror(bus, { ...mirrored, keys: `${escapeKeyToken(owner)}.>`, beyond: 'strip' });

  async function store(
    link: BusLink,
    record: Omit<BusRecord, 'revision'>,
    expect?: { lastSubjectSequence: number },
  ): Promise<number> {
    const options = {
      headers: formatHeaders(record),
      timeout: requestTimeoutMs,
      ...(expect === undefined ? {} : { expect }),
    };
    const { seq } = await link.js
      .publish(subjectOf(bucket, record.key), record.bytes, options)
      .catch((err) => Promise.reject(isFull(err) ? fullError(bucket, record, err) : err));
    mirror.note({ ...record, revision: seq });
    return seq;
  }

  return {
    manifestKey,
    get records() {
      return mirror.records;
    },
    synced: () => mirror.synced(),
    async storeRecord(link, { key, epoch, seq, wanted }) {
      const deleted = wanted?.bytes === undefined;
      const bytes = wanted?.bytes ?? new Uint8Array();
      await store(link, { key, epoch, seq, publisher, deleted, bytes, trace: wanted?.trace ?? {} });
    },
    async storeManifest(link, manifest) {
      const { epoch, seq } = manifest;
      const bytes = new TextEncoder().encode(JSON.stringify(manifest));
      const record = { key: manifestKey, epoch, seq, publisher, deleted: false, bytes, trace: {} };
      try {
        const lastSubjectSequence = mirror.records.get(manifestKey)?.revision ?? 0;
        return await store(link, record, { lastSubjectSequence });
      } catch (err) {
        if (err instanceof JetStreamApiError && err.code === JetStreamApiCodes.StreamWrongLastSequence) {
          mirror.resync('the manifest was written by somebody else');
        }
        throw err;
      }
    },
    stop: () => mirror.stop(),
  };
}
