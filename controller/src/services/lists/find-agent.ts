import { eq } from "drizzle-orm";
import { type Actor, maySeeAgent } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { AgentRow } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";

/** An agent that this actor may know of. NOT_FOUND otherwise, the same for unknown and foreign ones. */
export async function findAgent(db: Db, actor: Actor, agentId: string): Promise<AgentRow> {
  const { agents } = db.tables;
  const [row] = maySeeAgent(actor, agentId) ? await db.select().from(agents).where(eq(agents.agentId, agentId)) : [];
  if (row === undefined) throw new ControllerError("NOT_FOUND", { message: `there is no agent ${agentId}` });
  return row;
}

/** An agent that still takes orders. AGENT_REVOKED besides. */
export async function findLiveAgent(db: Db, actor: Actor, agentId: string): Promise<AgentRow> {
  const row = await findAgent(db, actor, agentId);
  if (row.state === "revoked")
    throw new ControllerError("AGENT_REVOKED", { message: `the agent ${row.name} was revoked: enrol its host again` });
  return row;
}
