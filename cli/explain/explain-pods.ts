import { exitCodes } from '#cli/command.ts';
import type { Printer } from '#cli/printer.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { member } from '#shared/core/text/json-object.ts';
import { describeExplanation } from './describe-explanation.ts';
import { type Explanation, explainReview, type RulesOf } from './explanation.ts';
import type { FoundPod, FoundPods } from './find-pods.ts';
import { podHints } from './pod-hints.ts';

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
export function explainPods(found: FoundPods, rulesOf: RulesOf, output: Printer, asJson: boolean): number {
  const explained = found.pods.map((pod) => explainPod(pod, rulesOf));
  const [single] = found.isSingle ? explained : [];
  if (asJson) output.json(single === undefined ? { pods: explained.map(podJson) } : answerJson(single));
  else output.lines(single === undefined ? describeAll(explained, found.others) : describeOne(single));
  return explained.every(({ isGood }) => isGood) ? exitCodes.done : exitCodes.refused;
}

function explainPod({ path, review, owner }: FoundPod, rulesOf: RulesOf): ExplainedPod {
  const before = structuredClone(member(member(review, 'request'), 'object'));
  const explanation = explainReview(review, rulesOf);
  if (explanation.admission.outcome === 'not-applicable') {
    throw new LatchkeyError(
      'REQUEST_MALFORMED',
      `${path}: the review is not about the creation of a pod, so nothing was checked`,
    );
  }
  const { hints, startsWithoutSecrets } = podHints(before, owner, explanation.secrets);
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

function describeAll(explained: readonly ExplainedPod[], others: readonly string[]): string[] {
  const good = explained.filter(({ isGood }) => isGood).length;
  const bad = explained.length - good;
  const unseen = others.length === 0 ? '' : `; no pod in ${countOf(others.length, 'other object')}`;
  return [
    ...explained.flatMap((one) => [
      one.path,
      ...describeOne(one).map((line) => (line === '' ? '' : `  ${line}`)),
      '',
    ]),
    `${countOf(explained.length, 'pod')}: ${good} admitted with every secret asked for, ${bad} not${unseen}`,
  ];
}

const countOf = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
