import { type Action, actorName, type Caller } from "../../domain/access.ts";
import type { ErrorCode } from "../../errors.ts";
import type { Db } from "../../store/db.ts";

export type AuditEntry = {
  action: Action | "enrolment" | "renewal" | "authenticate";
  subject: string | null;
  outcome: "done" | "accepted" | ErrorCode;
  details?: Record<string, unknown>;
};

/** Writes who did what, with the `db` of the change itself, so that there is never the one without the other. */
export async function recordAudit(db: Db, caller: Caller, entry: AuditEntry, now: Date): Promise<void> {
  await db.insert(db.tables.audit).values({
    at: now,
    actor: actorName(caller.actor),
    action: entry.action,
    subject: entry.subject,
    outcome: entry.outcome,
    details: { request_id: caller.requestId, source: caller.source, ...entry.details },
  });
}
