import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { type BusLink, requestTimeoutMs } from '#shared/bus/link/bus.ts';
import type { Mirror } from '#shared/bus/records/mirror.ts';
import { type BusRecord, type DesiredRecord, formatHeaders } from '#shared/bus/records/record.ts';
import { subjectOf } from '#shared/contracts/bucket.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Manifest } from '#shared/contracts/manifest.ts';

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

/** Writes to one owner's prefix; what the server acknowledged stands in the mirror at once. Both throw BUS_FULL. */
interface PrefixStore {
  /** Stores a record, or a tombstone where `wanted` has no bytes. */
  storeRecord(
    link: BusLink,
    record: { key: string; epoch: number; seq: number; wanted: DesiredRecord | undefined },
  ): Promise<void>;
  /**
   * Stores the manifest if the stored one is still the one that the mirror holds. Returns its revision. Throws the
   * server's refusal otherwise, and has everything read again.
   */
  storeManifest(link: BusLink, manifest: Manifest): Promise<number>;
}

export function createPrefixStore(prefix: {
  bucket: string;
  manifestKey: string;
  publisher: string;
  mirror: Pick<Mirror, 'records' | 'note' | 'resync'>;
}): PrefixStore {
  const { bucket, manifestKey, publisher, mirror } = prefix;

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
  };
}
