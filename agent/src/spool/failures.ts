/** SQLite's failures in our words. */
import { asHoldfastError, HoldfastError } from "../errors.ts";

const SQLITE = { busy: 5, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 };

/** Thrown by our own code on reading a row that cannot be one of ours. */
export class DamagedSpool extends Error {}

/** Whether the file itself is broken, so that no later attempt can succeed. */
export function isDamage(error: unknown): boolean {
  if (error instanceof DamagedSpool) return true;
  const code = primaryCode(error);
  return code === SQLITE.corrupt || code === SQLITE.notadb;
}

/** The low byte is SQLite's primary code; the rest tells variants apart. */
function primaryCode(error: unknown): number {
  return Number((error as { errcode?: number } | null)?.errcode ?? 0) & 0xff;
}

/** NO_SPACE, BUSY, NO_PERMISSION or IO_ERROR; what is ours already passes through. */
export function spoolError(path: string, cause: unknown): HoldfastError {
  const evidence = { details: String(cause), cause };
  switch (primaryCode(cause)) {
    case SQLITE.full:
      return new HoldfastError("NO_SPACE", {
        message: `the spool ${path} cannot grow: no space left`,
        remedy: "Free space on that file system; what happened meanwhile is told again from the repositories.",
        ...evidence,
      });
    case SQLITE.busy:
      return new HoldfastError("BUSY", {
        message: `the spool ${path} was held by another process for too long`,
        remedy: "See whether a holdfast-agent process hangs (stopped, or on a dead disk).",
        ...evidence,
      });
    case SQLITE.readonly:
    case SQLITE.cantopen:
      return new HoldfastError("NO_PERMISSION", {
        message: `the spool ${path} cannot be opened for writing`,
        remedy: "Give the agent's user access to the state folder.",
        ...evidence,
      });
    case SQLITE.ioerr:
      return new HoldfastError("IO_ERROR", {
        message: `the spool ${path} cannot be read or written`,
        remedy: "Check the disk (smartctl, dmesg) before you trust it further.",
        ...evidence,
      });
    default:
      return asHoldfastError(cause, `using the spool ${path}`);
  }
}
