import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { answerTooLarge, answerUnreadable } from './answer-too-large.ts';
import { describeNoAnswer } from './no-answer.ts';
import { parseResourcePath } from './resource-path.ts';

/** A verb of RBAC; the HTTP method follows from it. */
type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete';

export const methodOf: Readonly<Record<Verb, string>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
};

/** One request to the API server. `path` as {@link parseResourcePath} reads it; `body` is sent as JSON. */
export interface KubernetesCall {
  verb: Verb;
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: unknown;
  contentType?: string;
}

/** How the API server refused: its HTTP status (0 = no answer), its reason, and how long it asks to wait. */
interface Refusal {
  statusCode: number;
  reason?: string;
  message?: string;
  retryAfterMs?: number;
}

/** What a `Status` object of the API server says; undefined fields when it is none. */
export function readStatus(body: unknown): { code?: number; reason?: string; message?: string } {
  if (typeof body !== 'object' || body === null) return {};
  const { code, reason, message } = body as Record<string, unknown>;
  return {
    ...(typeof code === 'number' ? { code } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof message === 'string' ? { message } : {}),
  };
}

function codeOf({ statusCode, reason }: Refusal) {
  if (statusCode === 404) return 'KUBERNETES_NOT_FOUND';
  if (reason === 'AlreadyExists') return 'KUBERNETES_EXISTS';
  if (statusCode === 409) return 'KUBERNETES_CONFLICT';
  return 'KUBERNETES_REFUSED';
}

/**
 * The error of a call: KUBERNETES_NOT_FOUND, KUBERNETES_EXISTS, KUBERNETES_CONFLICT, else KUBERNETES_REFUSED, with
 * fields verb, resource, namespace, name, statusCode, reason, retryAfterMs. The API server's own sentence is part of the
 * message only where it cannot quote the object that was sent (a 422 quotes field values).
 */
export function refusedError(call: KubernetesCall, refusal: Refusal, cause?: unknown): LatchkeyError {
  const { resource, namespace, name } = parseResourcePath(call.path);
  const where = namespace === undefined ? 'the cluster' : `namespace ${namespace}`;
  const what = name === undefined ? resource : `${resource} ${name}`;
  const sentence =
    refusal.message === undefined || refusal.statusCode === 422 ? '' : `: ${refusal.message.slice(0, 300)}`;
  const { retryAfterMs, reason } = refusal;
  return new LatchkeyError(
    codeOf(refusal),
    `cannot ${call.verb} ${what} in ${where}: ${answerOf(refusal, cause)}${sentence}`,
    {
      cause,
      fields: {
        verb: call.verb,
        resource,
        ...(namespace === undefined ? {} : { namespace }),
        ...(name === undefined ? {} : { name }),
        statusCode: refusal.statusCode,
        ...(reason === undefined ? {} : { reason }),
        ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      },
    },
  );
}

const unreadable =
  'answered with what is no JSON or not what was asked for; check where the address of the kubeconfig leads';

function answerOf({ statusCode, reason }: Refusal, cause: unknown): string {
  if (reason === answerTooLarge) return 'the API server answered with more than may be read';
  if (reason === answerUnreadable) return `the API server ${unreadable}`;
  if (statusCode === 0) return describeNoAnswer(cause);
  return `the API server answered ${[statusCode, reason].filter((part) => part !== undefined).join(' ')}`;
}

const longestRetryAfterMs = 60_000;

/** Reads `Retry-After` in seconds; undefined when absent or a date (the API server sends seconds). */
export function parseRetryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header) * 1_000, longestRetryAfterMs);
}
