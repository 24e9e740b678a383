/** What went wrong in a command, in the form in which every program of Holdfast says it. */
import { ControllerError } from "../errors.ts";
import { StartError } from "../serve/start-error.ts";

export type FailureFacts = {
  message: string;
  remedy?: string | undefined;
  details?: string | undefined;
  cause?: unknown;
};

export class Failure extends Error {
  readonly code: string;
  readonly remedy: string | undefined;
  readonly details: string | undefined;

  constructor(code: string, { message, remedy, details, cause }: FailureFacts) {
    super(message, { cause });
    this.name = "Failure";
    this.code = code;
    this.remedy = remedy;
    this.details = details;
  }
}

/** Wrong use of the command line. */
export function usageError(message: string, remedy: string): Failure {
  return new Failure("BAD_REQUEST", { message, remedy });
}

/** Anything that was thrown, as a Failure; what nobody foresaw is INTERNAL_ERROR. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof StartError) return fromParts(error, error.remedy);
  if (error instanceof ControllerError) return fromParts(error, undefined);
  const message = error instanceof Error ? error.message : String(error);
  return new Failure("INTERNAL_ERROR", { message, cause: error });
}

function fromParts(error: StartError | ControllerError, remedy: string | undefined): Failure {
  const { code, message, details } = error;
  return new Failure(code, { message, remedy, details, cause: error });
}
