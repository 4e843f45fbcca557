import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import type { Rules, Verdict } from '#shared/core/rules/chain.ts';
import type { Caller } from '#shared/core/rules/policy.ts';
import { describeAge } from '#shared/core/text/age.ts';
import { cut, joinWords, quote } from '#shared/core/text/plain-text.ts';

/** Why a secret is not injected, for the author of its task, who need not know what latchkey is. */
export type Refusal = {
  code: ErrorCode;
  /** What is wrong, the end of a sentence that begins with the secret. */
  reason: string;
  /** The question that ends the reason, if there is one: costs a search, and so is asked only for what is told. */
  question?: () => string | undefined;
  /** Sentences that may stand once for several secrets: what else is known, what to do. */
  remarks: string[];
};

type Answer<A extends Verdict['answer']> = Extract<Verdict, { answer: A }>;

/** Of the name that a manager looked for, which the request decides. */
const longestName = 200;

/**
 * Words the answers of the chain when no manager has the secret (docs/architecture.md, "What a manager answers"):
 * `unknown` stops, what the policy forbids stays forbidden, if all say `no` it can never work, else it is absent. An
 * open manager trusts every request that can work at all: its `no` is final, whatever managers before it lack.
 */
export function wordRefusal(
  verdicts: readonly Verdict[],
  caller: Caller,
  namespaces: Rules['namespaces'],
): Refusal {
  const unknown = verdicts.find((verdict) => verdict.answer === 'unknown');
  if (unknown !== undefined) return wordUnknown(unknown, caller.namespace, namespaces);
  const of = <A extends Verdict['answer']>(answer: A): Answer<A>[] =>
    verdicts.filter((verdict): verdict is Answer<A> => verdict.answer === answer);
  const [refused, forbidden, lacking] = [of('no'), of('forbidden'), of('lacks')];
  if (forbidden.length > 0) return wordForbidden(forbidden, lacking, caller);
  const final = refused.find(({ open }) => open) ?? (lacking.length === 0 ? refused.at(-1) : undefined);
  if (final !== undefined) {
    const remarks = ['It can never work like this: correct the Secret that the task asks for.'];
    return { code: final.code, reason: wordReasons(refused).join('; '), remarks };
  }
  return wordAbsent(refused, lacking, caller.namespace);
}

function wordUnknown(
  unknown: Answer<'unknown'>,
  namespace: string,
  namespaces: Rules['namespaces'],
): Refusal {
  const { manager } = unknown;
  const again = 'Flyte tries again by itself.';
  const resolver = `If it lasts, tell your platform team: the resolver of secret manager ${manager} does not run or cannot reach what it asks, or the message bus is down.`;
  const code = 'RULES_UNKNOWN';
  switch (unknown.reason) {
    case 'no-rules':
      return {
        code,
        reason: `the rules of secret manager ${manager} have not arrived yet`,
        remarks: [again, resolver],
      };
    case 'stale': {
      const age = Number.isFinite(unknown.ageMs)
        ? `are ${describeAge(unknown.ageMs)} old`
        : 'are unconfirmed';
      const reason = `secret manager ${manager} knew of none, but its rules ${age}, so that it may exist by now`;
      return { code, reason, remarks: [again, resolver] };
    }
    case 'left-out':
      return { code, ...wordLeftOut(manager, unknown.what, namespace) };
    case 'namespace': {
      const reason = `secret manager ${manager} does not know namespace ${quote(namespace)} (yet)`;
      return { code, reason, remarks: [again, enabling(namespace, namespaces)] };
    }
  }
}

/** For the author it is his own Secret that is too much; what is allowed is for the platform team to say. */
function wordLeftOut(
  manager: string,
  what: 'secret' | 'namespace',
  namespace: string,
): Pick<Refusal, 'reason' | 'remarks'> {
  const limit = what === 'secret' ? 'limits.keysPerSecret' : 'limits.namespaceKiB';
  const raise = `or ask your platform team to raise ${limit} in latchkey.yaml.`;
  return what === 'secret'
    ? {
        reason: `secret manager ${manager} leaves this Secret out, for it has too many keys`,
        remarks: [`Spread them over several Secrets, ${raise}`],
      }
    : {
        reason: `secret manager ${manager} leaves some Secrets of namespace ${quote(namespace)} out, for all of them have too many keys, and this may be one`,
        remarks: [
          `Delete what nobody needs there and then change this Secret ("kubectl annotate" suffices), ${raise}`,
        ],
      };
}

/** What the platform team has to do so that a namespace is served. */
function enabling(namespace: string, namespaces: Rules['namespaces']): string {
  if ('names' in namespaces) {
    return namespaces.names.includes(namespace)
      ? 'If it lasts, tell your platform team: discovery cannot read this namespace.'
      : `If it lasts, this namespace is not enabled for secrets: ask your platform team to add it to k8s.namespaces.names in latchkey.yaml.`;
  }
  const labels = Object.entries(namespaces.selector.matchLabels).map(([label, value]) => `${label}=${value}`);
  return labels.length === 0
    ? 'If it lasts, tell your platform team: discovery cannot read this namespace.'
    : `If it lasts, this namespace is not enabled for secrets: ask your platform team to run "kubectl label namespace ${cut(namespace, 63)} ${labels.join(' ')}".`;
}

function wordForbidden(
  forbidden: readonly Answer<'forbidden'>[],
  lacking: readonly Answer<'lacks'>[],
  caller: Caller,
): Refusal {
  const lines = withManagers(forbidden.map(({ manager, line }) => ({ manager, text: line })));
  const elsewhere = lacking.length === 0 ? '' : `, and there is ${wordNames(lacking)}`;
  const labels = (['project', 'domain'] as const).map((label) => {
    const value = caller[label];
    return value === undefined ? `no label ${label}` : `${label} ${quote(value)}`;
  });
  const who = [
    `namespace ${quote(caller.namespace)}`,
    `service account ${quote(caller.serviceAccount)}`,
    ...labels,
  ];
  return {
    code: 'POLICY_FORBIDDEN',
    reason: `this pod may not use it by the policy: ${joinWords(lines)}${elsewhere}`,
    remarks: [
      `The pod has ${joinWords(who)}.`,
      'Ask your platform team, who decide this in the section "policy" of latchkey.yaml, or use another secret.',
    ],
  };
}

function wordAbsent(
  refused: readonly Answer<'no'>[],
  lacking: readonly Answer<'lacks'>[],
  namespace: string,
): Refusal {
  const asked = lacking.map(({ manager, ageMs }) => `${manager} (as of ${describeAge(ageMs)} ago)`);
  const notAsked = wordReasons(refused);
  return {
    code: 'SECRET_NOT_FOUND',
    reason: `it was not found for namespace ${quote(namespace)}: there is ${wordNames(lacking)}`,
    question: () => wordNearMisses(lacking),
    remarks: [
      `Secret managers asked: ${joinWords(asked)}.`,
      ...(notAsked.length > 0 ? [`Not asked: ${notAsked.join('; ')}.`] : []),
      'Create it, or correct group and key of the Secret that the task asks for; Flyte tries again by itself.',
    ],
  };
}

function wordNearMisses(lacking: readonly Answer<'lacks'>[]): string | undefined {
  const names = lacking.flatMap((verdict) => verdict.nearMisses().map(quote));
  return names.length === 0 ? undefined : `Did you mean ${joinWords(names, 'or')}?`;
}

const wordNames = (lacking: readonly Answer<'lacks'>[]): string =>
  joinWords(lacking.map(({ lookedFor }) => `no ${cut(lookedFor, longestName)}`));

const wordReasons = (refused: readonly Answer<'no'>[]): string[] =>
  withManagers(refused.map(({ manager, reason }) => ({ manager, text: reason })));

/** Each text once, with the managers that it is of. */
function withManagers(answers: readonly { manager: string; text: string }[]): string[] {
  const managers = new Map<string, string[]>();
  for (const { manager, text } of answers) managers.set(text, [...(managers.get(text) ?? []), manager]);
  return Array.from(managers, ([text, names]) => {
    const noun = names.length === 1 ? 'secret manager' : 'secret managers';
    return `${text} (${noun} ${joinWords(names)})`;
  });
}
