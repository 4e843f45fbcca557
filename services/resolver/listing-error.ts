import { LatchkeyError } from '#shared/contracts/error-registry.ts';

const longestReason = 300;

/** Says of a list that took too long how far it had come. */
export const unfinishedList = (source: string, timeoutMs: number, progress: string): LatchkeyError =>
  new LatchkeyError(
    'PROVIDER_UNREACHABLE',
    `the list of ${source} was not complete after ${timeoutMs / 1_000} s: ${progress}. Look for who has so much there, or whether the provider is slow`,
  );

/** Keeps of an SDK's error only its name and message: the request that it holds has a credential. */
export function listingError(source: string, cause: unknown): LatchkeyError {
  const causes = causesOf(cause);
  // An SDK may wrap what was thrown while it waited for an answer.
  const own = causes.find((one) => one instanceof LatchkeyError);
  if (own !== undefined) return own;
  const [first] = causes;
  const words = causes.slice(0, 2).map(wordsOf).join(': ');
  return new LatchkeyError(
    'PROVIDER_UNREACHABLE',
    `listing the secrets of ${source} failed with ${first?.name ?? 'Error'}: ${words.slice(0, longestReason)}`,
  );
}

const mostCauses = 5;

function causesOf(cause: unknown): Error[] {
  const causes: Error[] = [];
  let next = cause instanceof Error ? cause : new Error(String(cause));
  while (causes.push(next) < mostCauses && next.cause instanceof Error) next = next.cause;
  return causes;
}

/**
 * Keeps of a message what is not an answer's body: a parser quotes the text that it cannot parse, and an SDK puts what it
 * does not understand below its first line.
 */
function wordsOf(error: Error): string {
  if (error instanceof SyntaxError) return 'something that cannot be parsed';
  return error.message.split('\n', 1)[0] ?? '';
}
