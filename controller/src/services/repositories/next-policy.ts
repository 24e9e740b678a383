import { eq } from "drizzle-orm";
import type { AgentRow } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import type { ServiceContext } from "../context.ts";
import type { Policies } from "../policies/policies.ts";

/** What it takes to change what a host protects. */
export type DefinitionContext = ServiceContext & { policies: Pick<Policies, "changed"> };

/** What the host is to protect has changed: its policy gets the next version, to be pushed after the commit. */
export async function nextPolicy(db: Db, agent: AgentRow): Promise<void> {
  const { agents } = db.tables;
  const policyVersion = agent.policyVersion + 1;
  await db.update(agents).set({ policyVersion }).where(eq(agents.agentId, agent.agentId));
}
