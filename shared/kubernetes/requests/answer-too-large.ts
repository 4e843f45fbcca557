import type { Readable } from 'node:stream';

/**
 * Bytes of one answer, or of one line of a watch. The largest object is smaller: etcd stores 1.5 MiB of it (its
 * --max-request-bytes), and JSON writes a byte as six at most (`\u0001`).
 */
export const mostAnswerBytes = 16 * 1_024 * 1_024;

/** The reason of an answer that is above it, in the field `reason` of the call's error. */
export const answerTooLarge = 'AnswerTooLarge';

/** The reason of an answer that is no JSON, or not of the shape that was asked for. */
export const answerUnreadable = 'AnswerUnreadable';

/** Reads a body to its end; undefined when it is longer than that, and then the rest is not read. */
export async function readBoundedAnswer(body: Readable, mostBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // To leave the loop destroys the stream, and with it the connection.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
