/** Stable machine-readable codes; each has one HTTP status (`httpStatus`). Clients may rely on them. */
export const ERROR_STATUS = {
  BAD_REQUEST: 400,
  QUERY_NOT_TRUSTED: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  BAD_USER_INPUT: 422,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  UPSTREAM_MALFORMED: 502,
  UPSTREAM_UNAVAILABLE: 503,
  UPSTREAM_TIMEOUT: 503,
  SERVICE_UNAVAILABLE: 503,
  INSUFFICIENT_STORAGE: 507,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** A failure that the caller may see: what was expected, what arrived, what to do. Anything else is a bug and masked. */
export class PublicError extends Error {
  override name = "PublicError";
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: Record<string, unknown> = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
  get httpStatus(): number {
    return ERROR_STATUS[this.code];
  }
}
