import { and, eq, inArray } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import { ofItem, type PlanRow } from "./plan-item.ts";

/** Plans of the item that are neither carried out nor given up. */
export async function openPlans(db: Db, item: ItemKey): Promise<PlanRow[]> {
  const { retentionPlans: r } = db.tables;
  return await db
    .select()
    .from(r)
    .where(and(ofItem(db, item), inArray(r.state, ["waiting", "approved", "applying"])));
}

/** Gives up what was not begun. */
export async function supersede(db: Db, plans: readonly PlanRow[], reason: string, now: Date): Promise<void> {
  const { retentionPlans: r } = db.tables;
  for (const { planId } of plans)
    await db
      .update(r)
      .set({ state: "superseded", reason, finishedAt: now })
      .where(and(eq(r.planId, planId), inArray(r.state, ["waiting", "approved"])));
}
