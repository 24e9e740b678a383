import { DrizzleQueryError } from "drizzle-orm";
import { ControllerError } from "../errors.ts";

/** What the databases call it, and what it means to a caller. PostgreSQL's are SQLSTATE codes. */
const UNIQUE = ["SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_ROWID", "23505"];
const REFERENCE = ["SQLITE_CONSTRAINT_FOREIGNKEY", "SQLITE_CONSTRAINT_TRIGGER", "23503"];
const DAMAGED = ["SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"];
const FULL = ["SQLITE_FULL", "53100"];
/** Wrong password, unknown user or database, no right to make tables. */
const UNWANTED = ["28P01", "28000", "3D000", "42501"];
const AWAY = [
  ...["SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_IOERR", "SQLITE_CANTOPEN"],
  ...["CONNECTION_CLOSED", "CONNECTION_ENDED", "CONNECTION_DESTROYED", "CONNECT_TIMEOUT"],
  ...["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "EPIPE", "ETIMEDOUT", "EHOSTUNREACH", "EAI_AGAIN"],
  ...["57P01", "57P02", "57P03", "53300", "40001", "40P01"],
];

/**
 * The database's own errors in the one shape of the controller, with the original as `cause`; anything else as it is.
 * No message holds a value of a row: drizzle's own shows all of them, and is left out.
 */
export function storeError(thrown: unknown): unknown {
  const error = thrown instanceof DrizzleQueryError ? thrown.cause : thrown;
  if (error instanceof ControllerError) return error;
  const code = databaseCode(error);
  if (code === undefined) return error;
  if (belongs(code, UNIQUE))
    return new ControllerError("CONFLICT", { message: "Something with this id exists already.", cause: error });
  if (belongs(code, REFERENCE))
    return new ControllerError("CONFLICT", { message: "It names something that does not exist.", cause: error });
  if (belongs(code, DAMAGED)) return databaseDamaged(code, error);
  if (belongs(code, UNWANTED))
    return new ControllerError("BAD_CONFIG", {
      message: `The database server does not let Holdfast in (${code}): check user, password, database name and rights.`,
      cause: error,
    });
  if (belongs(code, FULL))
    return new ControllerError("UNAVAILABLE", {
      message: "The database's disk is full: make room, nothing was lost.",
      retryAfter: 60,
      cause: error,
    });
  if (belongs(code, AWAY))
    return new ControllerError("UNAVAILABLE", {
      message: `The database cannot be used at the moment (${code}).`,
      retryAfter: 5,
      cause: error,
    });
  return new ControllerError("INTERNAL_ERROR", { message: `The database refused a query (${code}).`, cause: error });
}

/** `evidence`: what the check or the database said. */
export function databaseDamaged(evidence: string, cause?: unknown): ControllerError {
  return new ControllerError("DATABASE_DAMAGED", {
    message:
      "The controller's database is damaged: keep a copy of it, restore its newest backup, and start again; " +
      "the agents then tell once more what is missing.",
    details: evidence,
    cause,
  });
}

/** SQLite's extended codes (SQLITE_IOERR_WRITE) belong to their family. */
function belongs(code: string, family: readonly string[]): boolean {
  return family.some((member) => code === member || (member.startsWith("SQLITE_") && code.startsWith(`${member}_`)));
}

/** drizzle wraps the driver's error, the socket's error may be wrapped once more. */
function databaseCode(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 5) return undefined;
  if (isDatabaseError(error) && "code" in error && typeof error.code === "string") return error.code;
  return databaseCode(error.cause, depth + 1);
}

function isDatabaseError(error: Error): boolean {
  return (
    error.name === "SqliteError" || error.name === "PostgresError" || AWAY.includes(String(Reflect.get(error, "code")))
  );
}
