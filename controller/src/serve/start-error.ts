/** Why the controller did not start: which step failed, and what to do about it. */
import { ControllerError } from "../errors.ts";

export class StartError extends Error {
  readonly code: string;
  readonly details: string | undefined;
  readonly remedy: string | undefined;

  constructor({ name, remedy }: StepFacts, { cause }: { cause: unknown }) {
    super(`the controller could not start: ${name}: ${reasonOf(cause)}`, { cause });
    this.name = "StartError";
    this.code = codeOf(cause);
    this.details = cause instanceof ControllerError ? cause.details : undefined;
    this.remedy = remedyOf(cause) ?? remedy;
  }
}

/** `remedy`: when nothing better follows from the error. */
export type StepFacts = { name: string; remedy?: string };

/** Does one step of the start, unless the signal came first. StartError with the step's name. */
export async function startStep<T>(
  { signal, ...facts }: StepFacts & { signal: AbortSignal },
  work: () => Promise<T> | T,
): Promise<T> {
  signal.throwIfAborted();
  try {
    return await work();
  } catch (cause) {
    throw new StartError(facts, { cause });
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function codeOf(cause: unknown): string {
  if (cause instanceof ControllerError) return cause.code;
  if (isPortTrouble(systemCode(cause))) return "PORT_UNAVAILABLE";
  return remedyOf(cause) === undefined ? "START_FAILED" : "NOT_POSSIBLE";
}

function systemCode(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

function isPortTrouble(code: string): boolean {
  return ["EADDRINUSE", "EADDRNOTAVAIL", "EAFNOSUPPORT"].includes(code);
}

/** What an admin can do about what the operating system said; a ControllerError's own message says it already. */
function remedyOf(cause: unknown): string | undefined {
  switch (systemCode(cause)) {
    case "EADDRINUSE":
      return "Another program, or another controller, has this port: stop it, or choose one with --https-port or --agent-port.";
    case "EADDRNOTAVAIL":
    case "EAFNOSUPPORT":
      return "This host does not have the address of --listen: name one of its own, or 0.0.0.0 for all of IPv4.";
    case "EACCES":
    case "EPERM":
      return "Give the user that runs the controller the right to do so, or name another data folder or port.";
    case "EROFS":
    case "ENOSPC":
      return "Name a data folder on a medium that can be written and has room, with --data-dir.";
    case "ENOTDIR":
    case "ENOENT":
      return "Name a folder that exists, or can be made, with --data-dir.";
    default:
      return undefined;
  }
}
