import { allow, formatAnswer, parseReview, readReview } from '#shared/core/admission/admission-review.ts';
import { admit, type Rules } from '#shared/core/admission/admit.ts';
import { PlanMemo } from '#shared/core/admission/plan-memo.ts';
import { planRequests } from '#shared/core/admission/planned-requests.ts';
import { createWarnings } from '#shared/core/bounds/warnings.ts';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { findSecretAnnotations } from '#shared/core/flyte/secret-annotations.ts';
import { formatPatch } from '#shared/core/patch/add-operation.ts';
import { readPod } from '#shared/core/patch/pod.ts';
import { patchPod } from '#shared/core/patch/pod-patch.ts';
import { skippedContainers } from '#shared/core/patch/skipped-containers.ts';

/** What a decision is compared with: reading the same text without deciding anything. */
export const baseline = 'JSON.parse';

/** What may be run again and again, by name: {@link baseline}, the parts of a decision in their order, and all in one. */
export type DecisionParts = Readonly<Record<string, () => unknown>>;

/** The parts of the decision of one review, each with what it needs prepared. @throws Error when the review is not admitted */
export function decisionParts(body: Uint8Array, rules: Rules): DecisionParts {
  const text = Buffer.from(body).toString('utf8');
  const review = parseReview(body);
  const work = () => ({ budget: createWorkBudget(), warnings: createWarnings() });
  const readAsked = () => {
    const { budget, warnings } = work();
    const request = readReview(review);
    const pod = readPod(request.object, budget);
    const asked = findSecretAnnotations(pod.annotations, { budget, warnings });
    return { uid: request.uid, namespace: request.namespace, pod, asked };
  };
  const { uid, namespace = '', pod, asked } = readAsked();
  const caller = { ...pod.identity, namespace };
  const memo = new PlanMemo();
  const planned = planRequests(asked, caller, rules, createWorkBudget());
  if ('denial' in planned) throw new Error(`the review is denied: ${planned.denial.message}`);
  const { plan, report } = planned;
  const patched = () => {
    const each = work();
    const isSkipped = skippedContainers(pod, rules.skippedContainers, each);
    return patchPod(pod, plan, { report, isSkipped }, each);
  };
  const patch = patched();
  const remembered = () => memo.plan(asked, caller, rules, createWorkBudget());
  // It remembers what is asked for a second time.
  remembered();
  remembered();
  return {
    [baseline]: () => JSON.parse(text),
    decode: () => parseReview(body),
    'read pod': readAsked,
    'plan, cold': () => planRequests(asked, caller, rules, createWorkBudget()),
    'plan, remembered': remembered,
    patch: patched,
    answer: () => formatAnswer(allow(uid, formatPatch(patch), [])),
    'all, cold': () => formatAnswer(admit(body, rules).response),
    'all, remembered': () => formatAnswer(admit(body, rules, { plan: memo.plan }).response),
  };
}
