/**
 * Every code a caller can see: its HTTP status, the text used when the refusal has no better words, and the
 * name it carries on the platform surface (`/v1`) where that is not simply the lower-case code.
 * docs/errors.md says of each what happened and how to fix it; a unit test keeps the two in step.
 */
export const errors = {
  BAD_REQUEST: { status: 400, text: 'This is not a well-formed HTTP request.' },
  INVALID_BODY: { status: 400, text: 'The request body could not be read.' },
  VALIDATION_ERROR: { status: 400, text: 'A field of the request is not acceptable.', v1: 'invalid_body' },
  INVALID_PARAMETER: { status: 400, text: 'A parameter has the wrong shape.', v1: 'invalid_query' },
  INVALID_CURSOR: { status: 400, text: 'The cursor is not one this list handed out.', v1: 'invalid_query' },
  KEYS_MISMATCH: { status: 400, text: "The secret's names are not exactly those the server declares." },
  INVALID_SECRET_SHAPE: { status: 400, text: 'The secret has not the form that the server needs.' },
  NOT_API_KEY_SERVER: { status: 400, text: 'A connection to this server is not made from a secret.' },
  UNKNOWN_SERVERS: { status: 400, text: 'The catalog does not have all of these servers.' },
  MISSING_API_KEY: { status: 401, text: 'X-API-Key header is required.', v1: 'unauthorized' },
  INVALID_API_KEY: { status: 401, text: 'The API key is not valid.', v1: 'unauthorized' },
  REVOKED_API_KEY: { status: 401, text: 'The API key has been revoked.', v1: 'unauthorized' },
  EXPIRED_API_KEY: { status: 401, text: 'The API key has expired.', v1: 'unauthorized' },
  INVALID_TOKEN: { status: 401, text: 'The link is not valid.', v1: 'unauthorized' },
  SIGN_IN_REFUSED: { status: 401, text: 'The e-mail address or the password is not right.', v1: 'unauthorized' },
  INVALID_SIGNATURE: { status: 401, text: 'The delivery could not be verified.', v1: 'unauthorized' },
  FORBIDDEN: { status: 403, text: 'This is not allowed.' },
  IP_NOT_ALLOWED: { status: 403, text: 'The API key may not be used from this address.' },
  NOT_FOUND: { status: 404, text: 'Not found' },
  SERVER_UNKNOWN: { status: 404, text: 'The catalog has no such server.' },
  SERVER_OAUTH_NOT_CONFIGURED: { status: 404, text: 'End users cannot authorize us at this server.' },
  METHOD_NOT_ALLOWED: { status: 405, text: 'This route does not take that method.' },
  REQUEST_TIMEOUT: { status: 408, text: 'The request did not arrive in time.' },
  IDEMPOTENCY_CONFLICT: { status: 409, text: 'This Idempotency-Key was used with another body.' },
  IDEMPOTENCY_IN_FLIGHT: { status: 409, text: 'A request with this Idempotency-Key is still running; try again.' },
  CONFLICT: { status: 409, text: 'The resource changed meanwhile; try again.' },
  CONNECTION_DISCONNECTED: {
    status: 409,
    text: 'A disconnected connection cannot be recovered.',
    v1: 'connection_revoked',
  },
  EMAIL_CONFLICT: { status: 409, text: 'Another user has this e-mail address.' },
  SLUG_CONFLICT: { status: 409, text: 'Another project has this slug.' },
  USER_HAS_DEPENDENTS: { status: 409, text: 'The user still has connections.' },
  LAST_ADMIN_KEY: { status: 409, text: 'The last full_access key cannot revoke itself.' },
  LAST_ADMINISTRATOR: { status: 409, text: 'The last administrator cannot be removed or made a viewer.' },
  INVALID_STATE: { status: 409, text: 'The resource is not in a state that allows this.' },
  /** Never leaves the house: two ids met, and the caller picks another. */
  ID_TAKEN: { status: 409, text: 'This id is taken.' },
  EXPIRED: { status: 410, text: 'The link has expired.' },
  CONSUMED: { status: 410, text: 'The link has already been used.' },
  GONE: { status: 410, text: 'The link is no longer valid.' },
  PAYLOAD_TOO_LARGE: { status: 413, text: 'The request body is too large.' },
  RATE_LIMITED: { status: 429, text: 'Too many requests; slow down.' },
  HEADERS_TOO_LARGE: { status: 431, text: 'The request headers are too large.' },
  INTERNAL: { status: 500, text: 'Something went wrong on our side.' },
  PROVIDER_ERROR: { status: 502, text: 'The provider refused.' },
  UNAVAILABLE: { status: 503, text: 'A part of the service is not available right now; try again.' },
  VAULT_UNAVAILABLE: { status: 503, text: 'The vault is not available right now; nothing was changed. Try again.' },
  REVOKE_FAILED: {
    status: 503,
    text: 'The credential could not be destroyed, so the connection was not ended. Try again.',
  },
} as const satisfies Record<string, { status: number; text: string; v1?: string }>;

export type ErrorCode = keyof typeof errors;

/** The name of a code on the platform surface. */
export const platformCode = (code: ErrorCode): string =>
  ('v1' in errors[code] ? (errors[code] as { v1: string }).v1 : undefined) ?? code.toLowerCase();

/** A refusal the caller can act on; its cause is for the log only. Anything else that is thrown is a bug and leaves as INTERNAL. */
export class DomainError extends Error {
  constructor(
    readonly code: ErrorCode,
    message: string = errors[code].text,
    readonly details?: Record<string, unknown>,
    options?: ErrorOptions,
  ) {
    // Where a caller was refused is nothing to trace, and a flood of refusals has to stay cheap.
    const { stackTraceLimit } = Error;
    if (errors[code].status < 500) Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A refusal as it travels over the bus. */
export interface CodedError {
  code: ErrorCode;
  message: string;
  details?: Record<string, unknown>;
}

/** Also recognises a refusal that crossed the bus and arrived as plain data. */
export const isCoded = (error: unknown): error is CodedError =>
  typeof error === 'object' && error !== null && 'code' in error && String(error.code) in errors && 'message' in error;
