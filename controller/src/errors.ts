/** What went wrong, in the one shape that every answer of the API has. */

/** Every code and the HTTP status it is told with. */
export const STATUS_OF = {
  VALIDATION_ERROR: 400,
  BAD_REQUEST: 400,
  JOB_REGISTRATION_FAILED: 400,
  STATUS_UPDATE_FAILED: 400,
  LOG_ANALYSIS_FAILED: 400,
  UNAUTHENTICATED: 401,
  API_KEY_REQUIRED: 401,
  INVALID_API_KEY: 401,
  TOKEN_REFUSED: 403,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  JOB_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  ALREADY_RUNNING: 409,
  AMBIGUOUS: 409,
  HAS_DEPENDENTS: 409,
  PROTECTED: 409,
  AGENT_REVOKED: 409,
  BODY_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  NOT_AVAILABLE: 422,
  CANNOT_BE_DONE: 422,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_ERROR: 500,
  BAD_CONFIG: 500,
  DATABASE_DAMAGED: 500,
  DATABASE_IN_USE: 503,
  UNAVAILABLE: 503,
} as const;

export type ErrorCode = keyof typeof STATUS_OF;
export type FieldProblem = { path: string; message: string };

export type ErrorFacts = {
  /** One sentence: what is wrong. */
  message: string;
  /** Evidence; shown to the caller, so never a path of the server or a secret. */
  details?: string;
  /** Every wrong field of the input. */
  fields?: FieldProblem[];
  /** Seconds; for TOO_MANY_REQUESTS and UNAVAILABLE. */
  retryAfter?: number;
  cause?: unknown;
};

/** An error that a caller may see. Everything else becomes INTERNAL_ERROR at the edge. */
export class ControllerError extends Error {
  readonly code: ErrorCode;
  readonly details: string | undefined;
  readonly fields: FieldProblem[] | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, facts: ErrorFacts) {
    super(facts.message, { cause: facts.cause });
    this.name = "ControllerError";
    this.code = code;
    this.details = facts.details;
    this.fields = facts.fields;
    this.retryAfter = facts.retryAfter;
  }
}
