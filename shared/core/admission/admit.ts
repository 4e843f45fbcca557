import { type ErrorCode, LatchkeyError } from '#shared/contracts/error-registry.ts';
import { createWarnings, type Warnings } from '#shared/core/bounds/warnings.ts';
import { createWorkBudget, type WorkBudget } from '#shared/core/bounds/work-budget.ts';
import { findSecretAnnotations } from '#shared/core/flyte/secret-annotations.ts';
import { type AddOperation, formatPatch, type WrittenOperation } from '#shared/core/patch/add-operation.ts';
import { asksForSecrets, readPod } from '#shared/core/patch/pod.ts';
import { patchPod } from '#shared/core/patch/pod-patch.ts';
import { skippedContainers } from '#shared/core/patch/skipped-containers.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import {
  type AdmissionRequest,
  type AdmissionReviewResponse,
  allow,
  deny,
  parseReview,
  readReview,
  type Status,
  statusOf,
  warnNamespace,
} from './admission-review.ts';
import { type Denial, type RejectedSecret, withCode } from './denial.ts';
import { injectionsOf, planRequests, rejectionsOf } from './planned-requests.ts';
import type { DecidedSecret, SecretDecision } from './secret-decision.ts';

export type { Rules } from '#shared/core/rules/chain.ts';

/** One decision: what to send, and what to tell operators about it. */
export interface Admission {
  /** 400 when the body is no AdmissionReview, else 200: a denial is an answer. */
  httpStatus: number;
  /** Body to send: an AdmissionReview, or for an unreadable one a bare Status. */
  response: AdmissionReviewResponse | Status;
  /** `injected` also when the pod already had everything (no patch). */
  outcome: 'injected' | 'nothing-asked' | 'not-applicable' | 'denied' | 'malformed';
  /** Why a request is denied or malformed. */
  code?: ErrorCode;
  patch: readonly AddOperation[];
  secrets: SecretDecision[];
  /** The secrets that are not injected, to be described. */
  rejected: RejectedSecret[];
  warnings: string[];
  /** W3C trace contexts of the rules that were used, each once. */
  ruleTraceparents: string[];
  namespace?: string;
  uid?: string;
}

/** How a request is decided. */
export interface AdmitOptions {
  /** What it may cost beyond reading the JSON, which has limits of its own; tells afterwards what it did. */
  budget?: WorkBudget;
  /** How its secrets are planned: each time anew, or remembered. */
  plan?: typeof planRequests;
}

/**
 * Decides one request of the API server, from memory alone. The same bytes and rules give the same answer.
 * @param body the request's body, JSON of an AdmissionReview
 */
export function admit(body: Uint8Array, rules: Rules, options: AdmitOptions = {}): Admission {
  return decide(() => readReview(parseReview(body)), rules, options);
}

/** Decides an AdmissionReview already parsed by {@link parseReview}, or at least not nested too deep. */
export function admitReview(review: unknown, rules: Rules, options: AdmitOptions = {}): Admission {
  return decide(() => readReview(review), rules, options);
}

const nothing = { patch: [], secrets: [], rejected: [], warnings: [], ruleTraceparents: [] };

/** @param read throws REQUEST_MALFORMED or POD_TOO_LARGE when there is no request to decide */
function decide(read: () => AdmissionRequest, rules: Rules, options: AdmitOptions): Admission {
  let request: AdmissionRequest;
  try {
    request = read();
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    const { code, httpStatus, message } = error;
    const response = statusOf(code, withCode(code, message));
    return { ...nothing, httpStatus, response, outcome: 'malformed', code };
  }
  const { budget = createWorkBudget(), plan = planRequests } = options;
  return answerRequest(request, rules, { budget, plan });
}

function answerRequest(request: AdmissionRequest, rules: Rules, options: Required<AdmitOptions>): Admission {
  const { uid, namespace } = request;
  const subject = { httpStatus: 200, uid, ...(namespace === undefined ? {} : { namespace }) };
  if (!request.createsPod) {
    return { ...nothing, ...subject, response: allow(uid, undefined, []), outcome: 'not-applicable' };
  }
  const collected = createWarnings();
  const { decided, ...result } = injectSecrets(request, rules, { ...options, warnings: collected });
  const warnings = collected.texts();
  const known = {
    ...nothing,
    ...subject,
    secrets: decided.map(({ decision }) => decision),
    rejected: rejectionsOf(decided),
    warnings,
  };
  if ('denial' in result) {
    const { code, message } = result.denial;
    return {
      ...known,
      response: deny(uid, code, withCode(code, message), warnings),
      outcome: 'denied',
      code,
    };
  }
  const { patch } = result;
  const traceparents = new Set<string>();
  for (const injection of injectionsOf(decided)) {
    for (const traceparent of injection.traceparents) traceparents.add(traceparent);
  }
  return {
    ...known,
    response: allow(uid, patch.length === 0 ? undefined : formatPatch(patch), warnings),
    outcome: decided.length === 0 ? 'nothing-asked' : 'injected',
    patch: patch.map(({ operation }) => operation),
    ruleTraceparents: [...traceparents],
  };
}

/** What becomes of a pod, all or nothing, with as many decisions as were made. */
type PodDecision = { decided: readonly DecidedSecret[] } & (
  | { patch: readonly WrittenOperation[] }
  | { denial: Denial }
);

function injectSecrets(
  request: AdmissionRequest,
  rules: Rules,
  work: Required<AdmitOptions> & { warnings: Warnings },
): PodDecision {
  let decided: readonly DecidedSecret[] = [];
  try {
    // Reads a pod before its label: Flyte refuses what does not decode, asked for or not (quirk-undecodable-pod).
    const pod = readPod(request.object, work.budget);
    const asked = asksForSecrets(request.object) ? findSecretAnnotations(pod.annotations, work) : [];
    if (asked.length === 0) return { decided, patch: [] };
    const namespace = request.namespace ?? pod.namespace;
    if (namespace === undefined) return { decided, denial: withoutNamespace };
    warnNamespace(namespace, pod.namespace, work.warnings);
    const planned = work.plan(asked, { ...pod.identity, namespace }, rules, work.budget);
    decided = planned.decided;
    for (const { warnings } of injectionsOf(decided)) {
      for (const text of warnings) work.warnings.add(() => text);
    }
    if ('denial' in planned) return planned;
    const { plan, report } = planned;
    const isSkipped = skippedContainers(pod, rules.skippedContainers, work);
    return { decided, patch: patchPod(pod, plan, { report, isSkipped }, work) };
  } catch (error) {
    // A pod that cannot be read or patched, or that costs too much.
    if (!(error instanceof LatchkeyError)) throw error;
    return { decided, denial: error };
  }
}

const withoutNamespace: Denial = {
  code: 'REQUEST_MALFORMED',
  message: 'neither the request nor the pod names a namespace',
};
