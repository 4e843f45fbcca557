import { type ErrorCode, LatchkeyError } from '#shared/contracts/error-registry.ts';
import {
  type AdmissionRequest,
  type AdmissionReviewResponse,
  allow,
  deny,
  namespaceWarnings,
  parseJson,
  readReview,
  type Status,
  statusOf,
} from './admission-review.ts';
import type { Rules } from './chain.ts';
import { joinRefusals, withCode } from './denial-message.ts';
import type { AddOperation } from './json-patch.ts';
import { createNearMissSearch } from './near-miss.ts';
import { formatWarnings } from './plain-text.ts';
import { asksForSecrets, readPod } from './pod.ts';
import { patchPod } from './pod-patch.ts';
import { planPod } from './pod-plan.ts';
import type { Caller } from './policy.ts';
import { findSecretAnnotations } from './secret-annotations.ts';
import { type DecidedSecret, decideSecret, type SecretVerdict } from './secret-verdict.ts';

export type { Rules } from './chain.ts';

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
  warnings: string[];
  /** W3C trace contexts of the rules that were used, each once. */
  ruleTraceparents: string[];
  namespace?: string;
  uid?: string;
};

/**
 * Decides one request of the API server, from memory alone. The same bytes and rules give the same answer.
 * @param body the request's body, JSON of an AdmissionReview
 */
export function admit(body: Uint8Array, rules: Rules): Admission {
  return guarded(() => admitReview(parseJson(body), rules));
}

/** As {@link admit}, of an AdmissionReview already parsed by {@link parseJson} (or at least not nested too deep). */
export function admitReview(review: unknown, rules: Rules): Admission {
  return guarded(() => decide(readReview(review), rules));
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

const nothing = { patch: [], secrets: [], warnings: [], ruleTraceparents: [] };

/** What is known of a decision so far; a denial tells that much. */
type Draft = { warnings: string[]; decided: DecidedSecret[] };

function decide(request: AdmissionRequest, rules: Rules): Admission {
  const { uid, namespace } = request;
  const subject = { httpStatus: 200, uid, ...(namespace === undefined ? {} : { namespace }) };
  if (!request.createsPod) {
    return { ...nothing, ...subject, response: allow(uid, [], []), outcome: 'not-applicable' };
  }
  const draft: Draft = { warnings: [], decided: [] };
  const told = (): Pick<Admission, 'secrets' | 'warnings'> => ({
    secrets: draft.decided.map(({ verdict }) => verdict),
    warnings: formatWarnings(draft.warnings),
  });
  try {
    const patch = injectSecrets(request, rules, draft);
    const { secrets, warnings } = told();
    const traceparents = draft.decided.flatMap((secret) => secret.traceparents);
    const response = allow(uid, patch, warnings);
    const outcome = secrets.length === 0 ? 'nothing-asked' : 'injected';
    const ruleTraceparents = [...new Set(traceparents)];
    return { ...subject, response, outcome, patch, secrets, warnings, ruleTraceparents };
  } catch (error) {
    if (!(error instanceof LatchkeyError)) throw error;
    const { code, message } = error;
    const { secrets, warnings } = told();
    const response = deny(uid, code, withCode(code, message), warnings);
    return { ...nothing, ...subject, response, outcome: 'denied', code, secrets, warnings };
  }
}

/** All or nothing. @throws LatchkeyError when the pod is to be denied */
function injectSecrets(request: AdmissionRequest, rules: Rules, draft: Draft): AddOperation[] {
  const pod = readPod(request.object);
  if (!asksForSecrets(request.object)) return [];
  const found = findSecretAnnotations(pod.annotations);
  draft.warnings.push(...found.warnings);
  if (found.requests.length === 0) return [];
  const namespace = request.namespace ?? pod.namespace;
  if (namespace === undefined) {
    throw new LatchkeyError('REQUEST_MALFORMED', 'neither the request nor the pod names a namespace');
  }
  draft.warnings.push(...namespaceWarnings(namespace, pod.namespace));
  draft.decided = decideSecrets(found.requests, { ...pod.identity, namespace }, rules);
  draft.warnings.push(...draft.decided.flatMap(({ warnings }) => warnings));
  const refusal = joinRefusals(draft.decided.flatMap(({ refused }) => refused ?? []));
  if (refusal !== undefined) throw new LatchkeyError(refusal.code, refusal.message);
  const injections = draft.decided.flatMap(({ injection }) => injection ?? []);
  const report = Object.fromEntries(injections.map(({ title, rule }) => [title, rule]));
  const { patch, warnings } = patchPod(pod, planPod(injections), JSON.stringify(report));
  draft.warnings.push(...warnings);
  return patch;
}

function decideSecrets(
  requests: readonly { annotation: string; value: string }[],
  caller: Caller,
  rules: Rules,
): DecidedSecret[] {
  const search = createNearMissSearch();
  return requests.map((asked) => decideSecret(asked, caller, rules, search));
}
