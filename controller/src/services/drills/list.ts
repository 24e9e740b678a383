import { and, eq } from "drizzle-orm";
import { type Actor, maySeeAgent } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";

export type DrillRow = Db["tables"]["drills"]["$inferSelect"];

export type DrillQuery = PageRequest & {
  agentId?: string | undefined;
  backupId?: string | undefined;
  status?: DrillRow["status"] | undefined;
};

/** Drills, newest first. */
export async function listDrills({ store }: ServiceContext, actor: Actor, query: DrillQuery): Promise<Page<DrillRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { drills: table } = db.tables;
    const keyset = { table, at: table.drilledAt, ids: [table.drillId] };
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.backupId === undefined ? undefined : eq(table.backupId, query.backupId),
      query.status === undefined ? undefined : eq(table.status, query.status),
    );
    const keyOf = (row: DrillRow) => ({ at: row.drilledAt, ids: [row.drillId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** NOT_FOUND. */
export async function getDrill({ store }: ServiceContext, actor: Actor, drillId: string): Promise<DrillRow> {
  const row = await store.read(async (db) => {
    const { drills } = db.tables;
    const [found] = await db.select().from(drills).where(eq(drills.drillId, drillId));
    return found;
  });
  if (row === undefined || !maySeeAgent(actor, row.agentId))
    throw new ControllerError("NOT_FOUND", { message: `there is no drill ${drillId}` });
  return row;
}
