/** The one place where an error becomes an answer. */
import { ControllerError, type ErrorCode, type FieldProblem, STATUS_OF } from "../errors.ts";

export type ErrorBody = {
  error: string;
  code: ErrorCode;
  details: string;
  timestamp: string;
  fields?: FieldProblem[];
  request_id: string;
};

export type ErrorAnswer = { status: (typeof STATUS_OF)[ErrorCode]; headers: Record<string, string>; body: ErrorBody };

/** What is not meant for callers becomes INTERNAL_ERROR; the log has the rest under the request's id. */
export function toControllerError(error: unknown): ControllerError {
  if (error instanceof ControllerError) return error;
  return new ControllerError("INTERNAL_ERROR", {
    message: "something went wrong inside the controller; its log tells more under this request's id",
    cause: error,
  });
}

export function errorAnswer(error: ControllerError, requestId: string, now: Date): ErrorAnswer {
  const status = STATUS_OF[error.code];
  const isOurs = status === 500 && error.code !== "INTERNAL_ERROR";
  const body: ErrorBody = {
    error: isOurs
      ? "the controller cannot work as it is set up; its log tells more under this request's id"
      : error.message,
    code: error.code,
    details: isOurs ? "" : (error.details ?? ""),
    timestamp: now.toISOString(),
    ...(error.fields === undefined ? {} : { fields: error.fields }),
    request_id: requestId,
  };
  return { status, headers: errorHeaders(error), body };
}

function errorHeaders({ code, retryAfter }: ControllerError): Record<string, string> {
  const status = STATUS_OF[code];
  return {
    ...(retryAfter === undefined ? {} : { "Retry-After": String(Math.max(1, Math.ceil(retryAfter))) }),
    ...(status === 401 ? { "WWW-Authenticate": 'Bearer realm="holdfast"' } : {}),
    // The rest of a body that nobody wants is not waited for.
    ...(status === 413 ? { Connection: "close" } : {}),
  };
}
