import { and, eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { CommandRow } from "../commands/command-row.ts";
import type { ServiceContext } from "../context.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";

export type ApprovalQuery = PageRequest & {
  agentId?: string | undefined;
  state: "needed" | "approved" | "rejected";
};

/** Commands that wait for a second person, or did, newest first. */
export async function listApprovals(
  { store }: ServiceContext,
  actor: Actor,
  query: ApprovalQuery,
): Promise<Page<CommandRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { commands: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.commandId] };
    const where = and(
      eq(table.approvalState, query.state),
      // One whose time ran out waits no more.
      query.state === "needed" ? eq(table.state, "queued") : undefined,
      agentId === undefined ? undefined : eq(table.agentId, agentId),
    );
    const keyOf = (row: CommandRow) => ({ at: row.createdAt, ids: [row.commandId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}
