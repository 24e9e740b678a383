import { and, eq } from "drizzle-orm";
import { type Actor, maySeeAgent } from "../../domain/access.ts";
import type { Mark } from "../../domain/retention/rules.ts";
import { ControllerError } from "../../errors.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import type { PlanRow } from "./plan-item.ts";
import type { MarkRow } from "./save-marks.ts";

export type PlanQuery = PageRequest & {
  agentId?: string | undefined;
  vmContextId?: string | undefined;
  state?: PlanRow["state"] | undefined;
};
export type MarkQuery = PageRequest & {
  agentId?: string | undefined;
  vmContextId?: string | undefined;
  mark?: Mark | undefined;
};

/** Plans that removed, or would remove, something, newest first. */
export async function listPlans({ store }: ServiceContext, actor: Actor, query: PlanQuery): Promise<Page<PlanRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { retentionPlans: table } = db.tables;
    const keyset = { table, at: table.madeAt, ids: [table.planId] };
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.vmContextId === undefined ? undefined : eq(table.vmContextId, query.vmContextId),
      query.state === undefined ? undefined : eq(table.state, query.state),
    );
    return await readRows(db, keyset, query, where, (row) => ({ at: row.madeAt, ids: [row.planId] }));
  });
}

/** NOT_FOUND. */
export async function getPlan({ store }: ServiceContext, actor: Actor, planId: string): Promise<PlanRow> {
  return await store.read(async (db) => {
    const { retentionPlans: r } = db.tables;
    const [row] = await db.select().from(r).where(eq(r.planId, planId));
    if (row === undefined || !maySeeAgent(actor, row.agentId))
      throw new ControllerError("NOT_FOUND", { message: `there is no plan ${planId}` });
    return row;
  });
}

/** What was last decided about each backup, and why, newest decision first. */
export async function listMarks({ store }: ServiceContext, actor: Actor, query: MarkQuery): Promise<Page<MarkRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { retentionMarks: table } = db.tables;
    const keyset = { table, at: table.decidedAt, ids: [table.backupId, table.agentId] };
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.vmContextId === undefined ? undefined : eq(table.vmContextId, query.vmContextId),
      query.mark === undefined ? undefined : eq(table.mark, query.mark),
    );
    return await readRows(db, keyset, query, where, (row) => ({ at: row.decidedAt, ids: [row.backupId, row.agentId] }));
  });
}
