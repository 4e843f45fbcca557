/**
 * Every failure latchkey can report, in one table. Codes are stable: callers branch on `code`, never on text.
 * `httpStatus` is what an admission response carries (`status.code`), `reason` is the matching Kubernetes reason,
 * `retryable` says whether the same call may succeed later without anybody changing it.
 * Why these statuses: Flyte's propeller fails a task at once on 400, lets the user retry 403, retries the rest itself.
 */
export const errorRegistry = {
  // What a task author can get back for a pod.
  REQUEST_MALFORMED: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  ANNOTATION_MALFORMED: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  FIELD_MISSING: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  NAME_IMPOSSIBLE: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  MOUNT_UNSUPPORTED: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  VARIABLE_CLASH: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  PATH_CLASH: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  TOO_MANY_SECRETS: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  POD_TOO_LARGE: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  POD_MALFORMED: { httpStatus: 400, reason: 'BadRequest', retryable: false },
  POLICY_FORBIDDEN: { httpStatus: 403, reason: 'Forbidden', retryable: false },
  SECRET_NOT_FOUND: { httpStatus: 404, reason: 'NotFound', retryable: true },
  RULES_UNKNOWN: { httpStatus: 503, reason: 'ServiceUnavailable', retryable: true },
  OVERLOADED: { httpStatus: 503, reason: 'ServiceUnavailable', retryable: true },
  // What an operator can get.
  CONFIG_INVALID: { httpStatus: 500, reason: 'InternalError', retryable: false },
  RECIPE_INVALID: { httpStatus: 500, reason: 'InternalError', retryable: false },
  RECORD_INVALID: { httpStatus: 500, reason: 'InternalError', retryable: false },
  PUBLISHER_SUPERSEDED: { httpStatus: 500, reason: 'InternalError', retryable: false },
  BUS_UNAVAILABLE: { httpStatus: 503, reason: 'ServiceUnavailable', retryable: true },
  BUS_FULL: { httpStatus: 503, reason: 'ServiceUnavailable', retryable: true },
  SET_TOO_LARGE: { httpStatus: 500, reason: 'InternalError', retryable: false },
  KUBERNETES_REFUSED: { httpStatus: 500, reason: 'InternalError', retryable: true },
  KUBERNETES_NOT_FOUND: { httpStatus: 500, reason: 'InternalError', retryable: true },
  KUBERNETES_EXISTS: { httpStatus: 500, reason: 'InternalError', retryable: true },
  KUBERNETES_CONFLICT: { httpStatus: 500, reason: 'InternalError', retryable: true },
  LEADERSHIP_LOST: { httpStatus: 503, reason: 'ServiceUnavailable', retryable: true },
  SNAPSHOT_UNUSABLE: { httpStatus: 500, reason: 'InternalError', retryable: true },
  SNAPSHOT_TOO_LARGE: { httpStatus: 500, reason: 'InternalError', retryable: false },
  PROVIDER_UNREACHABLE: { httpStatus: 503, reason: 'ServiceUnavailable', retryable: true },
  CERTIFICATE_INVALID: { httpStatus: 500, reason: 'InternalError', retryable: false },
  TOOL_MISSING: { httpStatus: 500, reason: 'InternalError', retryable: false },
  INTERNAL: { httpStatus: 500, reason: 'InternalError', retryable: true },
} as const satisfies Record<string, { httpStatus: number; reason: string; retryable: boolean }>;

/** A stable code of the registry. */
export type ErrorCode = keyof typeof errorRegistry;

/**
 * The one error class. `message` names what was looked for, where, and what to do; it never holds a secret value.
 * `fields` carries the same facts for machines, `cause` the failure underneath.
 */
export class LatchkeyError extends Error {
  override readonly name = 'LatchkeyError';
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, string | number | boolean>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; fields?: Record<string, string | number | boolean> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.fields = options.fields ?? {};
  }

  /** HTTP and Kubernetes status code of this failure. */
  get httpStatus(): number {
    return errorRegistry[this.code].httpStatus;
  }

  /** Whether the same call may succeed later without anybody changing it. */
  get retryable(): boolean {
    return errorRegistry[this.code].retryable;
  }
}
