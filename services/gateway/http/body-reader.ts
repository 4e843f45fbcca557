import type { Readable } from 'node:stream';

/**
 * Most bytes of a body that is kept. A pod is at most 3 MiB, an UPDATE carries two, JSON is larger than the stored form
 * (docs/reference/kube-apiserver.md C11).
 */
export const bodyLimitBytes = 8 * 1024 * 1024;

/** What happens to a body while it is read. */
export interface BodyEvents {
  /** So many more bytes are kept. */
  kept(bytes: number): void;
  /** All of it has arrived, kept or not. */
  whole(): void;
  /** It is longer than any that is kept; the rest is discarded. */
  tooLong(): void;
  /** The client has left before its end. */
  gone(): void;
}

/** Holds the body of one request. */
export interface BodyReader {
  /** Joins what is kept. */
  bytes(): Buffer;
  /** Frees what is kept, and discards the rest as it arrives. */
  discard(): void;
}

/**
 * Chunks that a body may have whatever their size, and the fewest bytes that those of a longer one have on average: each
 * chunk takes about a microsecond of the event loop, and one of a byte 6 bytes of the client.
 */
const freeChunks = 1_024;
const fewestBytesPerChunk = 256;

/**
 * Reads a body to its end, and is the only reader of its stream. The end is awaited even when the bytes are discarded:
 * the kernel turns a close with bytes left unread into a reset, which takes an answer along that the client has not
 * read, and Go repeats no POST after that. Very many tiny chunks end the connection at
 * once: while an answer is on its way, the kernel hands over hundreds of thousands more.
 */
export function readBody(stream: Readable, events: BodyEvents): BodyReader {
  const kept = new KeptBytes();
  let isKept = true;
  let chunks = 0;
  let receivedBytes = 0;
  const onData = (chunk: Buffer): void => {
    const isFirstAbove = receivedBytes <= bodyLimitBytes && receivedBytes + chunk.length > bodyLimitBytes;
    chunks += 1;
    receivedBytes += chunk.length;
    if (chunks > freeChunks && receivedBytes < chunks * fewestBytesPerChunk) {
      stream.off('data', onData);
      stream.destroy();
      return;
    }
    if (isFirstAbove) events.tooLong();
    if (!isKept || receivedBytes > bodyLimitBytes) return;
    kept.append(chunk);
    events.kept(chunk.length);
  };
  stream.on('data', onData);
  stream.on('end', () => events.whole());
  stream.on('close', () => {
    if (!stream.readableEnded) events.gone();
  });
  return {
    bytes: () => kept.bytes(),
    discard: () => {
      isKept = false;
      kept.clear();
    },
  };
}

const ignore = (): void => undefined;

/** Reads a body that nobody wants to its end, within the same bounds: Node would take any number of tiny chunks. */
export function discardBody(stream: Readable): void {
  readBody(stream, { kept: ignore, whole: ignore, tooLong: ignore, gone: ignore }).discard();
}

const nothing = Buffer.alloc(0);

/** Joins chunks: each by itself is an object, and keeps all that was read with it. */
class KeptBytes {
  #buffer: Buffer = nothing;
  #length = 0;

  append(chunk: Buffer): void {
    // Most bodies come in one piece, which is most of what was read.
    if (this.#length === 0 && chunk.length * 2 >= chunk.buffer.byteLength) this.#buffer = chunk;
    else this.#copy(chunk);
    this.#length += chunk.length;
  }

  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#buffer = nothing;
    this.#length = 0;
  }

  #copy(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, 2 * this.#length), bodyLimitBytes));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    chunk.copy(this.#buffer, this.#length);
  }
}
