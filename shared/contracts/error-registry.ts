/**
 * Every failure latchkey can report, in one table. Codes are stable: callers branch on `code`, never on text.
 * `httpStatus` is what an admission response carries (`status.code`), `reason` is the matching Kubernetes reason.
 * Why these statuses: Flyte's propeller fails a task at once on 400, lets the user retry 403, retries the rest itself.
 */
export const errorRegistry = {
  // What a task author can get back for a pod.
  REQUEST_MALFORMED: { httpStatus: 400, reason: 'BadRequest' },
  ANNOTATION_MALFORMED: { httpStatus: 400, reason: 'BadRequest' },
  FIELD_MISSING: { httpStatus: 400, reason: 'BadRequest' },
  NAME_IMPOSSIBLE: { httpStatus: 400, reason: 'BadRequest' },
  MOUNT_UNSUPPORTED: { httpStatus: 400, reason: 'BadRequest' },
  VARIABLE_CLASH: { httpStatus: 400, reason: 'BadRequest' },
  PATH_CLASH: { httpStatus: 400, reason: 'BadRequest' },
  TOO_MANY_SECRETS: { httpStatus: 400, reason: 'BadRequest' },
  POD_MALFORMED: { httpStatus: 400, reason: 'BadRequest' },
  POLICY_FORBIDDEN: { httpStatus: 403, reason: 'Forbidden' },
  SECRET_NOT_FOUND: { httpStatus: 404, reason: 'NotFound' },
  RULES_UNKNOWN: { httpStatus: 503, reason: 'ServiceUnavailable' },
  OVERLOADED: { httpStatus: 503, reason: 'ServiceUnavailable' },
  // What an operator can get.
  CONFIG_INVALID: { httpStatus: 500, reason: 'InternalError' },
  RECIPE_INVALID: { httpStatus: 500, reason: 'InternalError' },
  RECORD_INVALID: { httpStatus: 500, reason: 'InternalError' },
  PUBLISHER_SUPERSEDED: { httpStatus: 500, reason: 'InternalError' },
  BUS_UNAVAILABLE: { httpStatus: 503, reason: 'ServiceUnavailable' },
  KUBERNETES_REFUSED: { httpStatus: 500, reason: 'InternalError' },
  KUBERNETES_NOT_FOUND: { httpStatus: 500, reason: 'InternalError' },
  KUBERNETES_EXISTS: { httpStatus: 500, reason: 'InternalError' },
  KUBERNETES_CONFLICT: { httpStatus: 500, reason: 'InternalError' },
  PROVIDER_UNREACHABLE: { httpStatus: 503, reason: 'ServiceUnavailable' },
  CERTIFICATE_INVALID: { httpStatus: 500, reason: 'InternalError' },
  TOOL_MISSING: { httpStatus: 500, reason: 'InternalError' },
  INTERNAL: { httpStatus: 500, reason: 'InternalError' },
} as const satisfies Record<string, { httpStatus: number; reason: string }>;

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
}
