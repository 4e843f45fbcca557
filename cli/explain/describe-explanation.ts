import { stringify } from 'yaml';
import { secretTitle } from '#shared/core/flyte/secret-request.ts';
import { joinWords, quote } from '#shared/core/text/plain-text.ts';
import type { ExplainedSecret, Explanation } from './explanation.ts';
import { diffLines } from './line-diff.ts';

/** The view for people, a line each: the answer, each secret, warnings and hints, and the pod's changes. */
export function describeExplanation(
  { admission, secrets, response, pod }: Explanation,
  before: unknown,
  hints: readonly string[] = [],
): string[] {
  const { outcome, warnings } = admission;
  const { status } = response;
  // A failure of single secrets stands beside them, one of the whole pod (a clash) only here.
  const reason = secrets.some(({ message }) => message !== undefined) ? '' : `: ${status?.message}`;
  const head = response.allowed
    ? `allowed (${outcome})`
    : `denied ${status?.code} ${status?.reason}${reason}`;
  const changes =
    pod === null
      ? []
      : diffLines(stringify(before).trimEnd().split('\n'), stringify(pod).trimEnd().split('\n'));
  return [
    head,
    ...secrets.flatMap((secret) => describeSecret(secret, response.allowed)),
    ...warnings.map((warning) => `warning: ${warning}`),
    ...hints.map((hint) => `hint: ${hint}`),
    ...(changes.length > 0 ? ['', 'changes of the pod:', ...changes] : []),
  ];
}

function describeSecret(secret: ExplainedSecret, isAdmitted: boolean): string[] {
  const {
    annotation,
    verdict,
    manager,
    mount,
    how,
    policy,
    holdsPath = [],
    alsoReadAs = [],
    code,
    message,
  } = secret;
  const name = verdict === 'malformed' ? '' : ` ${quote(secretTitle(secret))}`;
  const allowed = policy === undefined ? '' : ` (policy: ${policy})`;
  const where = how.map((name) => (holdsPath.includes(name) ? `${name} (its path)` : name));
  const answer =
    message === undefined
      ? `${isAdmitted ? '' : 'would be '}injected by ${manager} as ${mount}${allowed}: ${where.join(', ')}`
      : `${message} [${code}]`;
  const ambiguous =
    alsoReadAs.length === 0
      ? []
      : [
          `    ambiguous: ${manager} has it under a name that is also that of ${joinWords(alsoReadAs.map(quote))}`,
        ];
  return [`- ${annotation}${name}`, `    ${answer}`, ...ambiguous];
}
