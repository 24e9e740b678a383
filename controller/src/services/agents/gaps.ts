import { eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { Tables } from "../../store/schema.ts";
import type { ServiceContext } from "../context.ts";
import { findAgent } from "../lists/find-agent.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";

export type GapRow = Tables["spoolGaps"]["$inferSelect"];
export type GapQuery = PageRequest & { agentId: string };

/** What this controller can never get as it was told, the newest first. NOT_FOUND. */
export async function listGaps({ store }: ServiceContext, actor: Actor, query: GapQuery): Promise<Page<GapRow>> {
  return await store.read(async (db) => {
    await findAgent(db, actor, query.agentId);
    const { spoolGaps: table } = db.tables;
    const keyset = { table, at: table.noticedAt, ids: [table.gapId] };
    const keyOf = (row: GapRow) => ({ at: row.noticedAt, ids: [row.gapId] });
    return await readRows(db, keyset, query, eq(table.agentId, query.agentId), keyOf);
  });
}
