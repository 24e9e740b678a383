import { eq } from "drizzle-orm";
import type { Db } from "../../store/db.ts";
import type { AgentRow } from "../lists/find-agent.ts";

/** What the host is to protect has changed: its policy gets the next version, and is pushed when the host is there. */
export async function nextPolicy(db: Db, agent: AgentRow): Promise<void> {
  const { agents } = db.tables;
  const policyVersion = agent.policyVersion + 1;
  await db.update(agents).set({ policyVersion }).where(eq(agents.agentId, agent.agentId));
}
