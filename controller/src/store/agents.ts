import { and, eq } from "drizzle-orm";
import type { Db } from "./db.ts";

export type AgentRow = Db["tables"]["agents"]["$inferSelect"];
export type NewAgent = Pick<AgentRow, "agentId" | "name" | "hostname" | "platform" | "version" | "createdAt">;

/** An enrolled agent of which nothing else is known yet. */
export async function addAgent(db: Db, agent: NewAgent): Promise<void> {
  await db.insert(db.tables.agents).values({
    ...agent,
    state: "enrolled",
    labels: {},
    info: {},
    policyVersion: 0,
    policyAppliedVersion: 0,
    policyRefused: [],
  });
}

export async function findAgent(db: Db, agentId: string): Promise<AgentRow | undefined> {
  const { agents } = db.tables;
  const [row] = await db.select().from(agents).where(eq(agents.agentId, agentId));
  return row;
}

/** For ever: a host that is to come back enrols anew. False when it is no enrolled agent. */
export async function revokeAgent(db: Db, agentId: string): Promise<boolean> {
  const { agents } = db.tables;
  const revoked = await db
    .update(agents)
    .set({ state: "revoked" })
    .where(and(eq(agents.agentId, agentId), eq(agents.state, "enrolled")))
    .returning({ agentId: agents.agentId });
  return revoked.length === 1;
}
