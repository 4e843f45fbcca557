import { type ErrorCode, LatchkeyError } from '#shared/contracts/error-registry.ts';
import { createWarnings, type Warnings } from '#shared/core/bounds/warnings.ts';
import { createWorkBudget, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { findSecretAnnotations } from '#shared/core/flyte/secret-annotations.ts';
import type { AddOperation } from '#shared/core/patch/json-patch.ts';
import { asksForSecrets, readPod } from '#shared/core/patch/pod.ts';
import { patchPod } from '#shared/core/patch/pod-patch.ts';
import { planPod } from '#shared/core/patch/pod-plan.ts';
import { newChainWork, type Rules } from '#shared/core/rules/chain.ts';
import type { Caller } from '#shared/core/rules/policy.ts';
import {
  type AdmissionRequest,
  type AdmissionReviewResponse,
  allow,
  deny,
  parseJson,
  readReview,
  type Status,
  statusOf,
  warnNamespace,
} from './admission-review.ts';
import { joinRefusals, type RefusedSecret, withCode } from './denial-message.ts';
import { type DecidedSecret, decideSecret, type SecretVerdict } from './secret-verdict.ts';

export type { Rules } from '#shared/core/rules/chain.ts';

/** One decision: what to send, and what to tell operators about it. */
export type Admission = {
  /** 400 when the body is no AdmissionReview, else 200: a denial is an answer. */
  httpStatus: number;
  /** Body to send: an AdmissionReview, or for an unreadable one a bare Status. */
  response: AdmissionReviewResponse | Status;
  /** `injected` also when the pod already had everything (no patch). */
  outcome: 'injected' | 'nothing-asked' | 'not-applicable' | 'denied' | 'malformed';
  /** Of a denial or a malformed request. */
  code?: ErrorCode;
  patch: readonly AddOperation[];
  secrets: SecretVerdict[];
  /** Those of them that are not injected, to be worded. */
  refused: RefusedSecret[];
  warnings: string[];
  /** W3C trace contexts of the rules that were used, each once. */
  ruleTraceparents: string[];
  namespace?: string;
  uid?: string;
};

/**
 * Decides one request of the API server, from memory alone. The same bytes and rules give the same answer.
 * @param body the request's body, JSON of an AdmissionReview
 * @param budget what it may cost beyond reading the JSON; tells afterwards what it did
 */
export function admit(body: Uint8Array, rules: Rules, budget = createWorkBudget()): Admission {
  return guarded(() => admitReview(parseJson(body), rules, budget));
}

/** As {@link admit}, of an AdmissionReview already parsed by {@link parseJson} (or at least not nested too deep). */
export function admitReview(review: unknown, rules: Rules, budget = createWorkBudget()): Admission {
  return guarded(() => decide(readReview(review), rules, budget));
}

function guarded(decision: () => Admission): Admission {
  try {
    return decision();
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    const { code, httpStatus, message } = error;
    const response = statusOf(code, withCode(code, message));
    return { ...nothing, httpStatus, response, outcome: 'malformed', code };
  }
}

const nothing = { patch: [], secrets: [], refused: [], warnings: [], ruleTraceparents: [] };

/** What is known of a decision so far; a denial tells that much. */
type Draft = { budget: WorkBudget; warnings: Warnings; decided: DecidedSecret[] };

function decide(request: AdmissionRequest, rules: Rules, budget: WorkBudget): Admission {
  const { uid, namespace } = request;
  const subject = { httpStatus: 200, uid, ...(namespace === undefined ? {} : { namespace }) };
  if (!request.createsPod) {
    return { ...nothing, ...subject, response: allow(uid, [], []), outcome: 'not-applicable' };
  }
  const draft: Draft = { budget, warnings: createWarnings(), decided: [] };
  const told = (): Pick<Admission, 'secrets' | 'refused' | 'warnings'> => ({
    secrets: draft.decided.map(({ verdict }) => verdict),
    refused: draft.decided.flatMap(({ refused }) => refused ?? []),
    warnings: draft.warnings.texts(),
  });
  try {
    const patch = injectSecrets(request, rules, draft);
    const { secrets, refused, warnings } = told();
    const traceparents = draft.decided.flatMap((secret) => secret.traceparents);
    const response = allow(uid, patch, warnings);
    const outcome = secrets.length === 0 ? 'nothing-asked' : 'injected';
    const ruleTraceparents = [...new Set(traceparents)];
    return { ...subject, response, outcome, patch, secrets, refused, warnings, ruleTraceparents };
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    const { code, message } = error;
    const known = told();
    const response = deny(uid, code, withCode(code, message), known.warnings);
    return { ...nothing, ...subject, response, outcome: 'denied', code, ...known };
  }
}

/** All or nothing. @throws LatchkeyError when the pod is to be denied */
function injectSecrets(request: AdmissionRequest, rules: Rules, draft: Draft): AddOperation[] {
  const { budget, warnings } = draft;
  const pod = readPod(request.object, budget);
  if (!asksForSecrets(request.object)) return [];
  const asked = findSecretAnnotations(pod.annotations, draft);
  if (asked.length === 0) return [];
  const namespace = request.namespace ?? pod.namespace;
  if (namespace === undefined) {
    throw new LatchkeyError('REQUEST_MALFORMED', 'neither the request nor the pod names a namespace');
  }
  warnNamespace(namespace, pod.namespace, warnings);
  draft.decided = decideSecrets(asked, { ...pod.identity, namespace }, rules, budget);
  for (const text of draft.decided.flatMap((secret) => secret.warnings)) warnings.add(() => text);
  const refusal = joinRefusals(draft.decided.flatMap(({ refused }) => refused ?? []));
  if (refusal !== undefined) throw new LatchkeyError(refusal.code, refusal.message);
  const injections = draft.decided.flatMap(({ injection }) => injection ?? []);
  const report = Object.fromEntries(injections.map(({ title, rule }) => [title, rule]));
  return patchPod(pod, planPod(injections, budget), JSON.stringify(report), draft);
}

function decideSecrets(
  requests: readonly { annotation: string; value: string }[],
  caller: Caller,
  rules: Rules,
  budget: WorkBudget,
): DecidedSecret[] {
  const work = newChainWork(budget);
  return requests.map((asked) => decideSecret(asked, caller, rules, work));
}
