import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import type { ManagerAnswer } from '#shared/core/rules/manager-answer.ts';
import type { Caller } from '#shared/core/rules/policy/policy.ts';
import { describeAge } from '#shared/core/text/age.ts';
import { joinWords, quote, truncate } from '#shared/core/text/plain-text.ts';

/** Why a secret is not injected, for the author of its task, who need not know what latchkey is. */
export interface RejectionText {
  code: ErrorCode;
  /** What is wrong, the end of a sentence that begins with the secret. */
  reason: string;
  /** The question that ends the reason, if there is one: costs a search, and so is asked only for what is told. */
  question?: () => string | undefined;
  /** Sentences that may stand once for several secrets: what else is known, what to do. */
  remarks: string[];
}

type Answer<K extends ManagerAnswer['kind']> = Extract<ManagerAnswer, { kind: K }>;

/** Bounds the name that a manager looked for, which the request decides. */
const longestName = 200;

/**
 * Describes why no manager of the chain gives the secret (docs/architecture.md, "What a manager answers"):
 * `unknown` stops, what the policy forbids stays forbidden, if all are `ineligible` it can never work, else it is absent. An
 * open manager trusts every request that can work at all: its `ineligible` is final, whatever managers before it lack.
 */
export function describeRejection(
  answers: readonly ManagerAnswer[],
  caller: Caller,
  namespaces: Rules['namespaces'],
): RejectionText {
  const unknown = answers.find((answer) => answer.kind === 'unknown');
  if (unknown !== undefined) return describeUnknown(unknown, caller.namespace, namespaces);
  const of = <K extends ManagerAnswer['kind']>(kind: K): Answer<K>[] =>
    answers.filter((answer): answer is Answer<K> => answer.kind === kind);
  const [ineligible, forbidden, absent] = [of('ineligible'), of('forbidden'), of('absent')];
  if (forbidden.length > 0) return describeForbidden(forbidden, absent, caller);
  const final = ineligible.find(({ open }) => open) ?? (absent.length === 0 ? ineligible.at(-1) : undefined);
  if (final !== undefined) {
    const remarks = ['It can never work like this: correct the Secret that the task asks for.'];
    return { code: final.code, reason: describeReasons(ineligible).join('; '), remarks };
  }
  return describeAbsent(ineligible, absent, caller.namespace);
}

function describeUnknown(
  unknown: Answer<'unknown'>,
  namespace: string,
  namespaces: Rules['namespaces'],
): RejectionText {
  const { manager } = unknown;
  const again = 'Flyte tries again by itself.';
  const resolver = `If it lasts, tell your platform team: the resolver of secret manager ${manager} does not run or cannot reach what it asks, or the message bus is down.`;
  const code = 'RULES_UNKNOWN';
  switch (unknown.cause) {
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
      return { code, ...describeLeftOut(manager, unknown.what, namespace) };
    case 'namespace': {
      const reason = `secret manager ${manager} does not know namespace ${quote(namespace)} (yet)`;
      return { code, reason, remarks: [again, enabling(namespace, namespaces)] };
    }
  }
}

/** For the author it is his own Secret that is too much; what is allowed is for the platform team to say. */
function describeLeftOut(
  manager: string,
  what: 'secret' | 'namespace',
  namespace: string,
): Pick<RejectionText, 'reason' | 'remarks'> {
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

/** Says what the platform team has to do so that a namespace is served. */
function enabling(namespace: string, namespaces: Rules['namespaces']): string {
  if ('names' in namespaces) {
    return namespaces.names.includes(namespace)
      ? 'If it lasts, tell your platform team: discovery cannot read this namespace.'
      : `If it lasts, this namespace is not enabled for secrets: ask your platform team to add it to k8s.namespaces.names in latchkey.yaml.`;
  }
  const labels = Object.entries(namespaces.selector.matchLabels).map(([label, value]) => `${label}=${value}`);
  return labels.length === 0
    ? 'If it lasts, tell your platform team: discovery cannot read this namespace.'
    : `If it lasts, this namespace is not enabled for secrets: ask your platform team to run "kubectl label namespace ${truncate(namespace, 63)} ${labels.join(' ')}".`;
}

function describeForbidden(
  forbidden: readonly Answer<'forbidden'>[],
  absent: readonly Answer<'absent'>[],
  caller: Caller,
): RejectionText {
  const lines = withManagers(forbidden.map(({ manager, policyLine }) => ({ manager, text: policyLine })));
  const elsewhere = absent.length === 0 ? '' : `, and there is ${describeNames(absent)}`;
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

function describeAbsent(
  ineligible: readonly Answer<'ineligible'>[],
  absent: readonly Answer<'absent'>[],
  namespace: string,
): RejectionText {
  const asked = absent.map(({ manager, ageMs }) => `${manager} (as of ${describeAge(ageMs)} ago)`);
  const notAsked = describeReasons(ineligible);
  return {
    code: 'SECRET_NOT_FOUND',
    reason: `it was not found for namespace ${quote(namespace)}: there is ${describeNames(absent)}`,
    question: () => describeNearMisses(absent),
    remarks: [
      `Secret managers asked: ${joinWords(asked)}.`,
      ...(notAsked.length > 0 ? [`Not asked: ${notAsked.join('; ')}.`] : []),
      'Create it, or correct group and key of the Secret that the task asks for; Flyte tries again by itself.',
    ],
  };
}

function describeNearMisses(absent: readonly Answer<'absent'>[]): string | undefined {
  const names = absent.flatMap(({ nearMisses }) => nearMisses().map(quote));
  return names.length === 0 ? undefined : `Did you mean ${joinWords(names, 'or')}?`;
}

const describeNames = (absent: readonly Answer<'absent'>[]): string =>
  joinWords(absent.map(({ lookedFor }) => `no ${truncate(lookedFor, longestName)}`));

const describeReasons = (ineligible: readonly Answer<'ineligible'>[]): string[] =>
  withManagers(ineligible.map(({ manager, reason }) => ({ manager, text: reason })));

/** Lists each text once, with the managers that gave it. */
function withManagers(answers: readonly { manager: string; text: string }[]): string[] {
  const managers = new Map<string, string[]>();
  for (const { manager, text } of answers) managers.set(text, [...(managers.get(text) ?? []), manager]);
  return Array.from(managers, ([text, names]) => {
    const noun = names.length === 1 ? 'secret manager' : 'secret managers';
    return `${text} (${noun} ${joinWords(names)})`;
  });
}
