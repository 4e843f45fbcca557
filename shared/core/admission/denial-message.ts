import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import { type SecretRequest, secretTitle } from '#shared/core/flyte/secret-request.ts';
import { cut, joinWords, quote } from '#shared/core/text/plain-text.ts';
import type { Refusal } from './denial.ts';

/** A refused secret. `request` is undefined when its annotation could not be decoded. */
export type RefusedSecret = { annotation: string; request: SecretRequest | undefined; refusal: Refusal };

/** A Status message of the API server, all codes and remarks included. */
const longestMessage = 2_000;
/** What is said of single secrets leaves room for the remarks. */
const longestReasons = 1_200;

/** What fails for good comes before what may pass later, so that a task fails at once when it must. */
const laterCodes: readonly ErrorCode[] = ['POLICY_FORBIDDEN', 'RULES_UNKNOWN', 'SECRET_NOT_FOUND'];

/**
 * One answer for a pod of which secrets fail: the gravest code, and what is to be said of the secrets that have it.
 * Equal reasons and remarks stand once; what is too much is counted.
 */
export function joinRefusals(
  refused: readonly RefusedSecret[],
): { code: ErrorCode; message: string } | undefined {
  const rank = ({ refusal }: RefusedSecret): number => laterCodes.indexOf(refusal.code);
  const code = refused.toSorted((a, b) => rank(a) - rank(b))[0]?.refusal.code;
  if (code === undefined) return undefined;
  const gravest = refused.filter(({ refusal }) => refusal.code === code);
  const sentences: string[] = [];
  const told: RefusedSecret[] = [];
  for (const [reason, secrets] of groupBy(gravest, ({ refusal }) => refusal.reason)) {
    const question = secrets[0]?.refusal.question?.();
    const sentence = [`${subjectOf(secrets)}: ${reason}.`, question ?? []].flat().join(' ');
    if (told.length > 0 && sentences.join(' ').length + sentence.length > longestReasons) break;
    sentences.push(sentence);
    told.push(...secrets);
  }
  const more = refused.length - told.length;
  const remarks = new Set(told.flatMap(({ refusal }) => refusal.remarks));
  const rest = more > 0 ? [`${more} more of this pod's secrets cannot be injected either.`] : [];
  return { code, message: [...sentences, ...rest, ...remarks].join(' ') };
}

/** The message as it is sent: bounded, and with its code, which docs/errors.md explains. */
export function withCode(code: ErrorCode, message: string): string {
  const mark = ` [${code}]`;
  return cut(message, longestMessage - mark.length) + mark;
}

const mostSubjects = 8;

function subjectOf(secrets: readonly RefusedSecret[]): string {
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
