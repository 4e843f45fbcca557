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
import { joinRefusals } from './denial.ts';
import type { AddOperation } from './json-patch.ts';
import { formatWarnings } from './plain-text.ts';
import { asksForSecrets, readPod } from './pod.ts';
import { patchPod } from './pod-patch.ts';
import { planPod } from './pod-plan.ts';
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
    const response = statusOf(code, message);
    return { ...nothing, httpStatus, response, outcome: 'malformed', code };
  }
}

const nothing = { patch: [], secrets: [], warnings: [], ruleTraceparents: [] };

function decide(request: AdmissionRequest, rules: Rules): Admission {
  const { uid } = request;
  const subject = { uid, ...(request.namespace === undefined ? {} : { namespace: request.namespace }) };
  const pass = { ...nothing, ...subject, httpStatus: 200, response: allow(uid, [], []) };
  if (!request.createsPod) return { ...pass, outcome: 'not-applicable' };
  let decided: DecidedSecret[] = [];
  let warnings: string[] = [];
  const denied = ({ code, message }: { code: ErrorCode; message: string }): Admission => ({
    ...pass,
    outcome: 'denied',
    code,
    response: deny(uid, code, message, warnings),
    secrets: decided.map(({ verdict }) => verdict),
    warnings,
  });
  try {
    const pod = readPod(request.object);
    if (!asksForSecrets(request.object)) return { ...pass, outcome: 'nothing-asked' };
    const found = findSecretAnnotations(pod.annotations);
    warnings = formatWarnings(found.warnings);
    if (found.requests.length === 0) {
      return { ...pass, outcome: 'nothing-asked', response: allow(uid, [], warnings), warnings };
    }
    const namespace = request.namespace ?? pod.namespace;
    if (namespace === undefined) {
      throw new LatchkeyError('REQUEST_MALFORMED', 'neither the request nor the pod names a namespace');
    }
    decided = found.requests.map((asked, position) => decideSecret(asked, namespace, position, rules));
    const refusal = joinRefusals(decided.flatMap(({ verdict }) => refusalOf(verdict)));
    if (refusal !== undefined) return denied(refusal);
    const { patch, warnings: hidden } = inject(pod, decided);
    const stale = decided.flatMap(({ warning }) => warning ?? []);
    const moved = namespaceWarnings(namespace, pod.namespace);
    warnings = formatWarnings([...found.warnings, ...moved, ...stale, ...hidden]);
    return {
      ...pass,
      namespace,
      outcome: 'injected',
      response: allow(uid, patch, warnings),
      patch,
      secrets: decided.map(({ verdict }) => verdict),
      warnings,
      ruleTraceparents: [...new Set(decided.flatMap(({ traceparents }) => traceparents))],
    };
  } catch (error) {
    if (error instanceof LatchkeyError) return denied(error);
    throw error;
  }
}

function refusalOf({ code, message }: SecretVerdict): { code: ErrorCode; message: string }[] {
  return code === undefined || message === undefined ? [] : [{ code, message }];
}

function inject(
  pod: ReturnType<typeof readPod>,
  decided: readonly DecidedSecret[],
): ReturnType<typeof patchPod> {
  const injections = decided.flatMap(({ injection }) => injection ?? []);
  const report = Object.fromEntries(injections.map(({ title, rule }) => [title, rule]));
  return patchPod(pod, planPod(injections), JSON.stringify(report));
}
