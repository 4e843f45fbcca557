import { exitCodes } from '#cli/command.ts';
import type { Printer } from '#cli/printer.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { member, scalarText } from '#shared/core/text/json-object.ts';
import { joinWords } from '#shared/core/text/plain-text.ts';
import { describeExplanation } from './describe-explanation.ts';
import { type Explanation, explainReview, type RulesOf } from './explanation.ts';
import type { FoundPod, FoundPods } from './find-pods.ts';
import { podHints } from './pod-hints.ts';

/** What is asked: the rules, and the namespaces for which the API server does not call the webhook. */
export interface AskedRules {
  rulesOf: RulesOf;
  excluded: readonly string[];
}

/** The answer to one pod of a file, with what its author should know beside it. */
interface ExplainedPod {
  path: string;
  before: unknown;
  explanation: Explanation;
  hints: string[];
  /** Whether it is admitted with every secret that it asks for. */
  isGood: boolean;
}

/**
 * Explains every pod of a file and prints the answers.
 * @returns the exit code: done when each is admitted with all the secrets that it asks for
 * @throws REQUEST_MALFORMED when a review is not about the creation of a pod
 */
export function explainPods(found: FoundPods, rules: AskedRules, output: Printer, asJson: boolean): number {
  const explained = found.pods.map((pod) => explainPod(pod, rules));
  const [single] = found.isSingle ? explained : [];
  if (asJson) output.json(single === undefined ? allJson(explained, found) : answerJson(single));
  else output.lines(single === undefined ? describeAll(explained, found) : describeOne(single));
  const isGood = explained.every((one) => one.isGood) && found.unchecked.length === 0;
  return isGood ? exitCodes.done : exitCodes.refused;
}

const allJson = (explained: readonly ExplainedPod[], { unchecked }: FoundPods): object => ({
  pods: explained.map(podJson),
  ...(unchecked.length === 0 ? {} : { unchecked }),
});

function explainPod({ path, review, owner }: FoundPod, { rulesOf, excluded }: AskedRules): ExplainedPod {
  const before = structuredClone(member(member(review, 'request'), 'object'));
  const explanation = explainReview(review, rulesOf);
  if (explanation.admission.outcome === 'not-applicable') {
    throw new LatchkeyError(
      'REQUEST_MALFORMED',
      `${path}: the review is not about the creation of a pod, so nothing was checked`,
    );
  }
  const namespace = scalarText(member(member(review, 'request'), 'namespace'));
  const { hints, startsWithoutSecrets } = podHints(before, owner, {
    secrets: explanation.secrets,
    excluded: excluded.includes(namespace) ? namespace : undefined,
  });
  const isGood = explanation.response.allowed && !startsWithoutSecrets;
  return { path, before, explanation, hints, isGood };
}

function answerJson({ explanation, hints }: ExplainedPod): object {
  const { admission, secrets, response, pod } = explanation;
  const { warnings } = admission;
  return { secrets, warnings, response, pod, ...(hints.length === 0 ? {} : { hints }) };
}

const podJson = (one: ExplainedPod): object => ({ path: one.path, ...answerJson(one) });

const describeOne = ({ explanation, before, hints }: ExplainedPod): string[] =>
  describeExplanation(explanation, before, hints);

function describeAll(explained: readonly ExplainedPod[], { others, unchecked }: FoundPods): string[] {
  const good = explained.filter(({ isGood }) => isGood).length;
  const bad = explained.length - good;
  const unseen = others.length === 0 ? '' : `; no pod in ${countOf(others.length, 'other object')}`;
  return [
    ...explained.flatMap((one) => [
      one.path,
      ...describeOne(one).map((line) => (line === '' ? '' : `  ${line}`)),
      '',
    ]),
    ...unchecked.flatMap(({ path, places }) => [
      path,
      `  not checked: it asks for secrets (${joinWords(places)}), but there is no pod template in it; see the pods that it makes`,
      '',
    ]),
    `${countOf(explained.length, 'pod')}: ${good} admitted with every secret asked for, ${bad} not${unseen}`,
  ];
}

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
