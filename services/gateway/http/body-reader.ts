import type { Readable } from 'node:stream';

/**
 * Most bytes of a body that is kept. A pod is at most 3 MiB, an UPDATE carries two, JSON is larger than the stored form
 * (docs/reference/kube-apiserver.md C11).
 */
export const bodyLimitBytes = 8 * 1024 * 1024;

/** What happens to a body while it is read. */
interface BodyEvents {
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
 * Reads a body to its end, and is the only reader of its stream. The end is awaited even when the bytes are discarded:
 * the kernel turns a close with bytes left unread into a reset, which takes an answer along that the client has not
 * read, and Go repeats no POST after that.
 */
export function readBody(stream: Readable, events: BodyEvents): BodyReader {
  let kept: Buffer[] | undefined = [];
  let receivedBytes = 0;
  stream.on('data', (chunk: Buffer) => {
    const isFirstAbove = receivedBytes <= bodyLimitBytes && receivedBytes + chunk.length > bodyLimitBytes;
    receivedBytes += chunk.length;
    if (isFirstAbove) events.tooLong();
    if (kept === undefined || receivedBytes > bodyLimitBytes) return;
    kept.push(chunk);
    events.kept(chunk.length);
  });
  stream.once('end', events.whole);
  stream.once('close', () => {
    if (!stream.readableEnded) events.gone();
  });
  return {
    bytes: () => Buffer.concat(kept ?? []),
    discard: () => {
      kept = undefined;
    },
  };
}
