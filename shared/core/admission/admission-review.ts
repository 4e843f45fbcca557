import { type ErrorCode, errorRegistry, LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Warnings } from '#shared/core/bounds/warnings.ts';
import {
  findForeignExcess,
  findJsonExcess,
  foreignJsonLimits,
  type JsonExcess,
  type JsonLimits,
} from '#shared/core/text/json-excess.ts';
import { member } from '#shared/core/text/json-object.ts';
import { quote } from '#shared/core/text/plain-text.ts';

const apiVersion = 'admission.k8s.io/v1';
const kind = 'AdmissionReview';
const longestUid = 128;
/** A namespace is a DNS label (apimachinery pkg/util/validation, DNS1123LabelMaxLength). */
const longestNamespace = 63;

/** Holds what the API server asks (admission.k8s.io/v1), its envelope checked. */
export interface AdmissionRequest {
  uid: string;
  /** Whether a pod itself is created: no other kind, verb or subresource concerns us. */
  createsPod: boolean;
  /** Namespace of the request; the object's own may be absent. */
  namespace: string | undefined;
  object: unknown;
}

/** A Kubernetes Status, the reason of a denial. */
export interface Status {
  status: 'Failure';
  code: number;
  reason: string;
  message: string;
}

/** The AdmissionReview to send. */
export interface AdmissionReviewResponse {
  apiVersion: typeof apiVersion;
  kind: typeof kind;
  response: {
    uid: string;
    allowed: boolean;
    patchType?: 'JSONPatch';
    /** base64 of the JSON Patch */
    patch?: string;
    status?: Status;
    warnings?: string[];
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const nouns: Readonly<Record<keyof JsonLimits, string>> = {
  strings: 'different names and texts',
  parts: 'entries',
  shapes: 'objects of different keys',
};

/** Reads JSON of foreign origin. @throws REQUEST_MALFORMED when it is none, without a piece of the text */
export const parseJson = (body: Uint8Array): unknown => parseUnless(findJsonExcess(body), body);

/**
 * Reads the JSON of an AdmissionReview, whatever it is about.
 * @throws POD_TOO_LARGE when parsing it would stall others; REQUEST_MALFORMED as {@link parseJson}
 */
export const parseReview = (body: Uint8Array): unknown => parseUnless(findForeignExcess(body), body);

function parseUnless(excess: JsonExcess | undefined, body: Uint8Array): unknown {
  if (excess === 'depth') throw malformedReview('the JSON is nested too deep');
  if (excess !== undefined) {
    throw new LatchkeyError(
      'POD_TOO_LARGE',
      `the pod is too large: the request has more than ${foreignJsonLimits[excess]} ${nouns[excess]}`,
    );
  }
  try {
    return JSON.parse(decoder.decode(body));
  } catch {
    // The cause would repeat a piece of the text.
    throw malformedReview('the body is not JSON');
  }
}

/** Reads the request of a parsed AdmissionReview. @throws REQUEST_MALFORMED when it is none */
export function readReview(review: unknown): AdmissionRequest {
  const versionAndKind = [member(review, 'apiVersion'), member(review, 'kind')];
  if (versionAndKind[0] !== apiVersion || versionAndKind[1] !== kind) {
    throw malformedReview(`the body is not an AdmissionReview of ${apiVersion}, the only version served`);
  }
  const request = member(review, 'request');
  const uid = member(request, 'uid');
  if (typeof uid !== 'string' || uid === '' || Buffer.byteLength(uid) > longestUid) {
    throw malformedReview(`request.uid is not a text of 1 to ${longestUid} bytes`);
  }
  const operation = member(request, 'operation');
  if (typeof operation !== 'string') throw malformedReview('request.operation is missing');
  const object = member(request, 'object');
  return {
    uid,
    createsPod: operation === 'CREATE' && concernsPods(request, object),
    namespace: readNamespace(request),
    object,
  };
}

function readNamespace(request: unknown): string | undefined {
  const namespace = member(request, 'namespace') ?? '';
  if (typeof namespace !== 'string' || namespace.length > longestNamespace) {
    throw malformedReview(`request.namespace is not a text of at most ${longestNamespace} characters`);
  }
  return namespace === '' ? undefined : namespace;
}

function concernsPods(request: unknown, object: unknown): boolean {
  const kindOfRequest = member(request, 'kind');
  const resource = member(request, 'resource');
  const says = (value: unknown, other: string): boolean => typeof value === 'string' && value !== other;
  if (says(member(request, 'subResource'), '') || says(member(resource, 'resource'), 'pods')) return false;
  if (says(member(kindOfRequest, 'group'), '') || says(member(resource, 'group'), '')) return false;
  return (member(kindOfRequest, 'kind') ?? member(object, 'kind')) === 'Pod';
}

/**
 * The answer that lets the object in.
 * @param patch JSON of the JSON Patch
 */
export function allow(uid: string, patch: string | undefined, warnings: string[]): AdmissionReviewResponse {
  const patched =
    patch === undefined
      ? {}
      : { patchType: 'JSONPatch' as const, patch: Buffer.from(patch).toString('base64') };
  return envelope({ uid, allowed: true, ...patched, ...optional(warnings) });
}

/** The answer that refuses the object. */
export function deny(
  uid: string,
  code: ErrorCode,
  message: string,
  warnings: string[],
): AdmissionReviewResponse {
  return envelope({ uid, allowed: false, status: statusOf(code, message), ...optional(warnings) });
}

/** Writes an answer as JSON. The patch is by far its longest text, and in base64 nothing has to be escaped. */
export function formatAnswer(answer: AdmissionReviewResponse | Status): string {
  if (!('response' in answer) || answer.response.patch === undefined) return JSON.stringify(answer);
  const { patch, ...response } = answer.response;
  return `${JSON.stringify({ ...answer, response }).slice(0, -'}}'.length)},"patch":"${patch}"}}`;
}

/** A failure as Kubernetes words it. */
export function statusOf(code: ErrorCode, message: string): Status {
  const { httpStatus, reason } = errorRegistry[code];
  return { status: 'Failure', code: httpStatus, reason, message };
}

function envelope(response: AdmissionReviewResponse['response']): AdmissionReviewResponse {
  return { apiVersion, kind, response };
}

function optional(warnings: string[]): { warnings?: string[] } {
  return warnings.length === 0 ? {} : { warnings };
}

function malformedReview(what: string): LatchkeyError {
  return new LatchkeyError('REQUEST_MALFORMED', `not an admission request: ${what}`);
}

/** Says which namespace counts when the pod names another one than the request. */
export function warnNamespace(requested: string, ofPod: string | undefined, warnings: Warnings): void {
  if (ofPod === undefined || ofPod === requested) return;
  warnings.add(
    () =>
      `secrets are taken from namespace ${quote(requested)} of the request, not ${quote(ofPod)} of the pod`,
  );
}
