import { and, eq, isNotNull, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import type { HoldRow } from "./open-holds.ts";

export type HoldQuery = PageRequest & {
  agentId?: string | undefined;
  vmContextId?: string | undefined;
  released?: boolean | undefined;
};

/** Holds, newest first. */
export async function listHolds({ store }: ServiceContext, actor: Actor, query: HoldQuery): Promise<Page<HoldRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { holds: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.holdId] };
    const releasedAt = query.released === true ? isNotNull(table.releasedAt) : isNull(table.releasedAt);
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.vmContextId === undefined ? undefined : eq(table.vmContextId, query.vmContextId),
      query.released === undefined ? undefined : releasedAt,
    );
    return await readRows(db, keyset, query, where, (row) => ({ at: row.createdAt, ids: [row.holdId] }));
  });
}
