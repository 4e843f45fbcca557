import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { truncate } from '#shared/core/text/plain-text.ts';
import { readBoundedAnswer } from '#shared/runtime/bounded-answer.ts';

/** An answer of a provider whose body was read. What it says is foreign, and may be a token: no message quotes it. */
export interface ReadAnswer {
  /** Who answered what: `Vault answered 200 for secret/metadata/`. */
  title: string;
  contentType: string | null | undefined;
  bytes: Buffer;
}

/** Reads the body of an answer. @throws SET_TOO_LARGE when it is longer than that */
export async function readAnswer(
  { title, contentType, body }: Omit<ReadAnswer, 'bytes'> & { body: AsyncIterable<Uint8Array> | null },
  mostBytes: number,
): Promise<ReadAnswer> {
  const bytes = body === null ? Buffer.alloc(0) : await readBoundedAnswer(body, mostBytes);
  if (bytes !== undefined) return { title, contentType, bytes };
  throw new LatchkeyError(
    'SET_TOO_LARGE',
    `${title} with more than ${mostBytes} bytes, which limits.managerMiB allows: look for who has so many names there, or raise it`,
    { fields: { mostBytes } },
  );
}

const mostCauses = 5;

/** Tells whether an error, or one that an SDK has wrapped, is that of an answer that was too long. */
export function isTooLong(error: unknown): boolean {
  let cause = error;
  for (let depth = 0; depth < mostCauses && cause instanceof Error; depth++) {
    if (cause instanceof LatchkeyError && cause.code === 'SET_TOO_LARGE') return true;
    cause = cause.cause;
  }
  return false;
}

/** Parses an answer. @throws PROVIDER_UNREACHABLE with its length and kind when it is no JSON: a proxy's, or cut off */
export function parseAnswer(answer: ReadAnswer): unknown {
  try {
    return JSON.parse(answer.bytes.toString('utf8'));
  } catch {
    // A parser's message quotes the text.
    throw new LatchkeyError('PROVIDER_UNREACHABLE', `${describeAnswer(answer)}, and that is no JSON`);
  }
}

/** Reads an answer for an SDK, which would quote one that is no JSON in its error. An empty one it understands. */
export async function readForSdk(
  answer: Parameters<typeof readAnswer>[0],
  mostBytes: number,
): Promise<Buffer> {
  const read = await readAnswer(answer, mostBytes);
  if (read.bytes.length > 0) parseAnswer(read);
  return read.bytes;
}

const longestType = 80;

/** Tells what is known of an answer without a word of it. */
export const describeAnswer = ({ title, contentType, bytes }: ReadAnswer): string =>
  `${title} with ${bytes.length} bytes of ${contentType ? truncate(contentType, longestType) : 'no content type'}`;
