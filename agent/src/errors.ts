/** Every way in which the agent says no. A code never changes its meaning once released. */
export type ErrorCode =
  | "BAD_CONFIG"
  | "BAD_REQUEST"
  | "NOT_FOUND"
  | "CONFLICT"
  | "BUSY"
  | "CANCELLED"
  | "TIMEOUT"
  | "NO_SPACE"
  | "IO_ERROR"
  | "NO_PERMISSION"
  | "TOOL_MISSING"
  | "TOOL_FAILED"
  | "SOURCE_NOT_ALLOWED"
  | "SOURCE_NOT_A_DISK"
  | "SOURCE_EMPTY"
  | "SOURCE_UNSAFE"
  | "SOURCE_LOCKED"
  | "SOURCE_CHANGED"
  | "SOURCE_MISSING"
  | "NBD_PROTOCOL"
  | "NBD_REFUSED"
  | "QMP_FAILED"
  | "MAP_DAMAGED"
  | "REPOSITORY_INVALID"
  | "REPOSITORY_DAMAGED"
  | "REPOSITORY_NOT_ALLOWED"
  | "FLOOR"
  | "SPOOL_FULL"
  | "ENCRYPTION_NOT_READY"
  | "NOT_ENROLLED"
  | "IDENTITY_INVALID"
  | "CONTROLLER_UNREACHABLE"
  | "CONTROLLER_UNTRUSTED"
  | "CONTROLLER_REFUSED"
  | "INTERNAL";

export type ErrorParts = {
  /** One sentence: what is wrong. */
  message: string;
  /** One sentence: what to do about it. */
  remedy?: string;
  /** Evidence: a tool's own words, an offset, a path. */
  details?: string;
  cause?: unknown;
};

/** The one error that crosses module borders: a code to act on, words to read, evidence, and its cause. */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly details: string | undefined;

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = "HoldfastError";
    this.code = code;
    this.remedy = parts.remedy;
    this.details = parts.details;
  }
}

/** Node's own system errors in our words; anything that is ours already passes through. */
export function asHoldfastError(error: unknown, doing: string): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const { code: errno } = cause as NodeJS.ErrnoException;
  const parts = { details: cause.message, cause };
  switch (errno) {
    case "ENOSPC":
    case "EDQUOT":
      return new HoldfastError("NO_SPACE", {
        ...parts,
        message: `${doing}: no space left`,
        remedy: "Free space on that file system, then run it again.",
      });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new HoldfastError("NO_PERMISSION", {
        ...parts,
        message: `${doing}: permission denied`,
        remedy: "Give the agent's user access to that path.",
      });
    case "ENOENT":
      return new HoldfastError("NOT_FOUND", { ...parts, message: `${doing}: no such file or folder` });
    case "EIO":
      return new HoldfastError("IO_ERROR", {
        ...parts,
        message: `${doing}: the device reported an I/O error`,
        remedy: "Check the disk (smartctl, dmesg) before you trust it further.",
      });
    case "ABORT_ERR":
      return new HoldfastError("CANCELLED", { ...parts, message: `${doing}: cancelled` });
    default:
      return new HoldfastError("INTERNAL", { ...parts, message: `${doing}: ${cause.message}` });
  }
}
