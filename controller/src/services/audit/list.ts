import { and, desc, eq, lt, type SQL } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { invalidFields } from "../lists/invalid-fields.ts";

export type AuditQuery = {
  actor?: string | undefined;
  action?: string | undefined;
  limit: number;
  cursor?: string | undefined;
};

/** Who did what, newest first; the cursor is the last entry's own number. */
export async function listAudit({ store }: ServiceContext, query: AuditQuery) {
  const found = await store.read((db) => select(db, query));
  const rows = found.slice(0, query.limit);
  const last = found.length > query.limit ? rows.at(-1) : undefined;
  return { rows, nextCursor: last === undefined ? null : String(last.auditId) };
}

async function select(db: Db, { actor, action, limit, cursor }: AuditQuery) {
  const { audit } = db.tables;
  const conditions: (SQL | undefined)[] = [
    actor === undefined ? undefined : eq(audit.actor, actor),
    action === undefined ? undefined : eq(audit.action, action),
    cursor === undefined ? undefined : lt(audit.auditId, readCursor(cursor)),
  ];
  return await db
    .select()
    .from(audit)
    .where(and(...conditions))
    .orderBy(desc(audit.auditId))
    .limit(limit + 1);
}

function readCursor(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw invalidFields([{ path: "cursor", message: "is not a cursor of this list" }]);
}
