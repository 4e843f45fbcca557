import type { TraceCarrier } from '#shared/runtime/trace-carrier.ts';
import { costOf } from './cost.ts';
import { recordHash } from './digest.ts';
import { type BusRecord, noTrace } from './record.ts';

const noBytes = new Uint8Array();

/**
 * A record as a process keeps it. Mirror, staging and set in force hold the same one; its hash tells it from others, so
 * that its bytes can be let go of once nobody reads them any more.
 */
export class HeldRecord implements BusRecord {
  readonly key: string;
  readonly revision: number;
  readonly epoch: number;
  readonly seq: number;
  readonly publisher: string;
  readonly deleted: boolean;
  bytes: Uint8Array;
  trace: TraceCarrier;
  #hash: bigint | undefined;
  readonly #costBytes: number;

  private constructor(record: BusRecord) {
    this.key = record.key;
    this.revision = record.revision;
    this.epoch = record.epoch;
    this.seq = record.seq;
    this.publisher = record.publisher;
    this.deleted = record.deleted;
    this.bytes = record.bytes;
    this.trace = record.trace;
    this.#costBytes = costOf(record);
  }

  /** Returns the record itself where it is held already. */
  static of(record: BusRecord): HeldRecord {
    return record instanceof HeldRecord ? record : new HeldRecord(record);
  }

  /** What it is charged to a process that keeps it, with its bytes or without. */
  get costBytes(): number {
    return this.#costBytes;
  }

  /** What it adds to the digest of its set. */
  get hash(): bigint {
    this.#hash ??= recordHash(this.key, this.bytes);
    return this.#hash;
  }

  /** Tells whether another record is this one, read once more. */
  isSame(other: BusRecord): boolean {
    return (
      this.revision === other.revision &&
      this.epoch === other.epoch &&
      this.seq === other.seq &&
      this.publisher === other.publisher &&
      this.deleted === other.deleted &&
      (this.bytes === noBytes ? this.hash === HeldRecord.of(other).hash : this.#hasSameContent(other))
    );
  }

  /** Lets go of the bytes and the trace, which whoever asks for them from now on finds empty. */
  shed(): void {
    this.#hash ??= recordHash(this.key, this.bytes);
    this.bytes = noBytes;
    this.trace = noTrace;
  }

  #hasSameContent({ bytes, trace }: BusRecord): boolean {
    return (
      this.trace.traceparent === trace.traceparent &&
      this.trace.tracestate === trace.tracestate &&
      Buffer.compare(this.bytes, bytes) === 0
    );
  }
}
