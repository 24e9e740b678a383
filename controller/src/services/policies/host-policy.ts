import type { HostPolicy } from "@holdfast/protocol";
import { and, asc, eq, isNull } from "drizzle-orm";
import { findAgent } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import { workOut } from "./work-out.ts";

/** What the controller wants this host to protect, and to run by itself; undefined: there is no such agent. */
export async function hostPolicy(db: Db, agentId: string, now: Date): Promise<HostPolicy | undefined> {
  const agent = await findAgent(db, agentId);
  if (agent === undefined) return undefined;
  const { items: i, repositories: r } = db.tables;
  const repositories = await db
    .select({ repository_id: r.repositoryId, path: r.path, kind: r.kind, encryption: r.encryption })
    .from(r)
    .where(and(eq(r.agentId, agentId), eq(r.origin, "controller"), isNull(r.retiredAt)))
    .orderBy(asc(r.repositoryId));
  const items = await db
    .select({ vm_context_id: i.vmContextId, definition: i.definition })
    .from(i)
    .where(and(eq(i.agentId, agentId), eq(i.origin, "controller"), isNull(i.retiredAt)))
    .orderBy(asc(i.vmContextId));
  return {
    version: agent.policyVersion,
    issued_at: now.toISOString(),
    repositories,
    items: items.map(({ vm_context_id, definition }) => ({ ...definition, vm_context_id })),
    plans: (await workOut(db, [agentId], now)).flatMap(({ plans }) => plans),
  };
}
