import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import { type SecretRequest, secretTitle } from '#shared/core/flyte/secret-request.ts';
import { joinWords, quote, truncate } from '#shared/core/text/plain-text.ts';
import type { RejectionText } from './rejection-text.ts';

/** A secret that is not injected. */
export interface RejectedSecret {
  annotation: string;
  /** Undefined when its annotation could not be decoded. */
  request: SecretRequest | undefined;
  text: RejectionText;
}

/** Why a pod is denied. */
export interface Denial {
  code: ErrorCode;
  message: string;
}

/** A Status message of the API server, all codes and remarks included. */
const longestMessage = 2_000;
/** Bounds the reasons of single secrets, to leave room for the remarks. */
const longestReasons = 1_200;

/** Codes that a retry may cure, behind all others: a task that must fail shall fail at once. */
const laterCodes: readonly ErrorCode[] = ['POLICY_FORBIDDEN', 'RULES_UNKNOWN', 'SECRET_NOT_FOUND'];

/**
 * Merges the rejections of one pod: the most severe code, and the reasons of the secrets with that code.
 * Equal reasons and remarks stand once; what is too much is counted.
 * @returns undefined when no secret is rejected
 */
export function denialOf(rejected: readonly RejectedSecret[]): Denial | undefined {
  const rank = ({ text }: RejectedSecret): number => laterCodes.indexOf(text.code);
  const code = rejected.toSorted((a, b) => rank(a) - rank(b))[0]?.text.code;
  if (code === undefined) return undefined;
  const mostSevere = rejected.filter(({ text }) => text.code === code);
  const sentences: string[] = [];
  const told: RejectedSecret[] = [];
  for (const [reason, secrets] of groupBy(mostSevere, ({ text }) => text.reason)) {
    const question = secrets[0]?.text.question?.();
    const sentence = [`${subjectOf(secrets)}: ${reason}.`, question ?? []].flat().join(' ');
    if (told.length > 0 && sentences.join(' ').length + sentence.length > longestReasons) break;
    sentences.push(sentence);
    told.push(...secrets);
  }
  const more = rejected.length - told.length;
  const remarks = new Set(told.flatMap(({ text }) => text.remarks));
  const rest = more > 0 ? [`${more} more of this pod's secrets cannot be injected either.`] : [];
  return { code, message: [...sentences, ...rest, ...remarks].join(' ') };
}

/** The message as it is sent: bounded, and with its code, which docs/errors.md explains. */
export function withCode(code: ErrorCode, message: string): string {
  const mark = ` [${code}]`;
  return truncate(message, longestMessage - mark.length) + mark;
}

const mostSubjects = 8;

function subjectOf(secrets: readonly RejectedSecret[]): string {
  const names = secrets.slice(0, mostSubjects).map(({ annotation, request }) =>
    // A secret without a group has no name that its author would know.
    request?.group
      ? `${quote(secretTitle(request))} (annotation ${quote(annotation)})`
      : `of annotation ${quote(annotation)}`,
  );
  const more = secrets.length - names.length;
  const all = more > 0 ? [...names, `${more} more`] : names;
  return `${secrets.length === 1 ? 'secret' : 'secrets'} ${joinWords(all)}`;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return groups;
}
