import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import type { Verdict } from './chain.ts';
import { quote } from './plain-text.ts';
import { type SecretRequest, secretTitle } from './secret-request.ts';

/** Why a secret is not injected, for the author of the task. */
export type Refusal = { code: ErrorCode; message: string };

type No = Extract<Verdict, { answer: 'no' }>;
type Lacks = Extract<Verdict, { answer: 'lacks' }>;

/**
 * Words the answers of the chain when nobody has the secret (design.md section 4): `unknown` stops, if all say `no` it
 * can never work, else nobody has it. An open manager trusts every request that can work at all: its `no` is final,
 * whatever managers before it lack.
 */
export function wordRefusal(
  annotation: string,
  request: SecretRequest,
  namespace: string,
  verdicts: readonly Verdict[],
): Refusal {
  const subject = request.group
    ? `secret ${quote(secretTitle(request))} (annotation ${quote(annotation)})`
    : `the secret of annotation ${quote(annotation)}`;
  const unknown = verdicts.find((verdict) => verdict.answer === 'unknown');
  if (unknown !== undefined) {
    const message = `${subject} cannot be decided for namespace ${quote(namespace)} now: ${unknown.reason}. Flyte tries again by itself; if it lasts, ask your platform team whether this namespace is enabled for secrets.`;
    return { code: 'RULES_UNKNOWN', message };
  }
  const refused = verdicts.filter((verdict): verdict is No => verdict.answer === 'no');
  const lacking = verdicts.filter((verdict): verdict is Lacks => verdict.answer === 'lacks');
  const final = refused.find(({ open }) => open) ?? (lacking.length === 0 ? refused.at(-1) : undefined);
  const reasons = wordReasons(refused);
  if (final !== undefined) {
    const message = `${subject} can never be injected: ${reasons.join('; ')}. Correct the Secret that the task asks for.`;
    return { code: final.code, message };
  }
  const lookedFor = lacking.map((verdict) => verdict.lookedFor).join(', no ');
  const nearMisses = lacking.flatMap((verdict) => verdict.nearMisses.map(quote));
  const parts = [
    `${subject} was not found for namespace ${quote(namespace)}: there is no ${lookedFor}.`,
    reasons.length > 0 ? ` Not asked: ${reasons.join('; ')}.` : '',
    nearMisses.length > 0 ? ` Did you mean ${nearMisses.join(' or ')}?` : '',
    ' Create it, or correct group and key of the Secret that the task asks for.',
  ];
  return { code: 'SECRET_NOT_FOUND', message: parts.join('') };
}

/** Each reason once, with the managers that gave it. */
function wordReasons(refused: readonly No[]): string[] {
  const managers = new Map<string, string[]>();
  for (const { manager, reason } of refused) {
    managers.set(reason, [...(managers.get(reason) ?? []), manager]);
  }
  return Array.from(managers, ([reason, names]) => `${reason} (${names.join(', ')})`);
}

const told = 3;
/** What fails for good comes before what may pass later, so that a task fails at once when it must. */
const order: readonly ErrorCode[] = ['RULES_UNKNOWN', 'SECRET_NOT_FOUND'];

/** One answer for a pod of which several secrets fail: the gravest code, and the first few messages of it. */
export function joinRefusals(refusals: readonly Refusal[]): Refusal | undefined {
  const rank = ({ code }: Refusal): number => order.indexOf(code);
  const gravest = refusals.toSorted((a, b) => rank(a) - rank(b))[0];
  if (gravest === undefined) return undefined;
  const messages = refusals.filter(({ code }) => code === gravest.code).map(({ message }) => message);
  const more = refusals.length - Math.min(messages.length, told);
  const rest = more > 0 ? [`${more} more of this pod's secrets cannot be injected either.`] : [];
  return { code: gravest.code, message: [...messages.slice(0, told), ...rest].join(' ') };
}
