import { toPlainText, truncate } from '#shared/core/text/plain-text.ts';
import { CredentialPluginError } from './credential-plugin.ts';

/** Characters of a system's message. */
const mostCauseLength = 300;
const advice = 'check that it runs and can be reached';

/** Codes of Node for a server that does not run or that no network leads to. */
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * Says why a request got no answer, in the words of what failed: a sentence that begins with its subject. Advice is given
 * only for what it would help against.
 */
export function describeNoAnswer(cause: unknown): string {
  // The plugin's words are bounded and printable already.
  if (cause instanceof CredentialPluginError) return cause.message;
  if (!(cause instanceof Error)) return `the API server gave no answer; ${advice}`;
  if (cause.name === 'TimeoutError') return `the API server gave no answer in time; ${advice}`;
  if (cause.name === 'AbortError') return 'the API server gave no answer before the request was given up';
  const words = truncate(toPlainText(messageOf(cause)), mostCauseLength);
  const code = 'code' in cause ? String(cause.code) : '';
  return unreachable.has(code)
    ? `the API server gave no answer (${words}); ${advice}`
    : `the request to the API server failed: ${words}`;
}

/** Joins the messages of a host with several addresses, which fails with one error for each and no message of its own. */
const messageOf = (cause: Error): string =>
  cause instanceof AggregateError && cause.message === ''
    ? cause.errors.map((each: unknown) => (each instanceof Error ? each.message : '')).join(', ')
    : cause.message;
