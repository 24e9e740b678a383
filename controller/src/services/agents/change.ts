import { eq } from "drizzle-orm";
import type { Caller } from "../../domain/access.ts";
import type { AgentRow } from "../../store/agents.ts";
import { recordAudit } from "../audit/record.ts";
import { findAgent } from "../lists/find-agent.ts";
import { rebind } from "../policies/bind-items.ts";
import type { DefinitionContext } from "../repositories/next-policy.ts";

export type AgentChange = {
  name?: string | undefined;
  labels?: Record<string, string> | undefined;
  /** null: as long as for all. */
  offlineAfterSeconds?: number | null | undefined;
};

/**
 * What people call an agent, how they sort it, by which policies select it, and how long it may be away; the host knows
 * none of that. NOT_FOUND.
 */
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
    const { name = known.name, labels = known.labels, offlineAfterSeconds = known.offlineAfterSeconds } = change;
    await db.update(agents).set({ name, labels, offlineAfterSeconds }).where(eq(agents.agentId, agentId));
    await recordAudit(
      db,
      caller,
      { action: "agents.change", subject: agentId, outcome: "done", details: { ...change } },
      at,
    );
    const row: AgentRow = { ...known, name, labels, offlineAfterSeconds };
    return { row, replanned: change.labels === undefined ? [] : await rebind(db, [agentId], at) };
  });
  for (const each of replanned) await policies.changed(each);
  return row;
}
