import { isDeepStrictEqual } from "node:util";
import { and, eq, inArray } from "drizzle-orm";
import type { MarkedPoint } from "../../domain/retention/plan.ts";
import { pieces, putRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import type { ItemPlan } from "./plan-item.ts";

export type MarkRow = Db["tables"]["retentionMarks"]["$inferSelect"];
export type MarkChanges = { changed: MarkRow[]; gone: string[] };

/** What of the noted marks is not as this plan says. `planId`: by which what is to go goes. */
export async function markChanges(
  db: Db,
  { item, policy, plan }: ItemPlan,
  { planId, now }: { planId: string | null; now: Date },
): Promise<MarkChanges> {
  const { retentionMarks: m } = db.tables;
  const rows = await db
    .select()
    .from(m)
    .where(and(eq(m.agentId, item.agentId), eq(m.vmContextId, item.vmContextId)));
  const known = new Map(rows.map((row) => [row.backupId, row]));
  const wanted = plan.marks.map((one): MarkRow => {
    const { agentId, backupId } = one.point;
    const facts = { mark: one.mark, reasons: one.reasons, policyId: policy.policyId };
    return {
      ...{ agentId, backupId, vmContextId: item.vmContextId, ...facts, decidedAt: now },
      planId: one.mark === "remove" ? planId : null,
    };
  });
  const ids = new Set(plan.marks.map(idOf));
  return {
    changed: wanted.filter((row) => !isSame(row, known.get(row.backupId))),
    gone: rows.map(({ backupId }) => backupId).filter((id) => !ids.has(id)),
  };
}

/** Of an item that no policy is in force for nothing is said. */
export async function clearMarks(db: Db, { agentId, vmContextId }: ItemKey): Promise<void> {
  const { retentionMarks: m } = db.tables;
  await db.delete(m).where(and(eq(m.agentId, agentId), eq(m.vmContextId, vmContextId)));
}

export async function saveMarks(db: Db, agentId: string, { changed, gone }: MarkChanges): Promise<void> {
  const { retentionMarks: m } = db.tables;
  await putRows(db, m, [m.agentId, m.backupId], changed);
  for (const some of pieces(gone)) await db.delete(m).where(and(eq(m.agentId, agentId), inArray(m.backupId, some)));
}

function idOf({ point }: MarkedPoint): string {
  return point.backupId;
}

function isSame(row: MarkRow, known: MarkRow | undefined): boolean {
  return known !== undefined && isDeepStrictEqual({ ...row, decidedAt: known.decidedAt }, known);
}
