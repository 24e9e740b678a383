import { and, eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import type { AgentRow } from "../../store/agents.ts";
import type { ServiceContext } from "../context.ts";
import { findAgent } from "../lists/find-agent.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";

export type AgentQuery = PageRequest & { state?: AgentRow["state"] | undefined; hostname?: string | undefined };

/** Agents, the newest first; a limited key sees its own. */
export async function listAgents({ store }: ServiceContext, actor: Actor, query: AgentQuery): Promise<Page<AgentRow>> {
  return await store.read(async (db) => {
    const { agents: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.agentId] };
    const where = and(
      actor.agentId === null ? undefined : eq(table.agentId, actor.agentId),
      query.state === undefined ? undefined : eq(table.state, query.state),
      query.hostname === undefined ? undefined : eq(table.hostname, query.hostname),
    );
    const keyOf = (row: AgentRow) => ({ at: row.createdAt, ids: [row.agentId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** NOT_FOUND. */
export async function getAgent({ store }: ServiceContext, actor: Actor, agentId: string): Promise<AgentRow> {
  return await store.read((db) => findAgent(db, actor, agentId));
}
