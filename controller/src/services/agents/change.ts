import { eq } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import type { AgentRow } from "../../store/agents.ts";
import { recordAudit } from "../audit/record.ts";
import { findAgent } from "../lists/find-agent.ts";
import { rebind } from "../policies/bind-items.ts";
import type { DefinitionContext } from "../repositories/next-policy.ts";

export type AgentChange = { name?: string | undefined; labels?: Record<string, string> | undefined };

/** What people call an agent and how they sort it, by which policies select it; the host knows neither. NOT_FOUND. */
export async function changeAgent(
  { store, now, policies }: DefinitionContext,
  caller: Caller,
  agentId: string,
  change: AgentChange,
): Promise<AgentRow> {
  const at = now();
  const { row, replanned } = await store.write(async (db) => {
    const { agents } = db.tables;
    const known = await findAgent(db, caller.actor, agentId);
    const row: AgentRow = { ...known, name: change.name ?? known.name, labels: change.labels ?? known.labels };
    await db.update(agents).set({ name: row.name, labels: row.labels }).where(eq(agents.agentId, agentId));
    await recordAudit(
      db,
      caller,
      { action: "agents.change", subject: agentId, outcome: "done", details: { ...change } },
      at,
    );
    return { row, replanned: change.labels === undefined ? [] : await rebind(db, [agentId], at) };
  });
  for (const each of replanned) await policies.changed(each);
  return row;
}
