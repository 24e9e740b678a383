/** What decides which policy an item has, and what its host is to run. */
import { and, eq, inArray, isNull } from "drizzle-orm";
import type { BindablePolicy, BoundItem } from "../../domain/policy/bind.ts";
import type { PlannedHost, PlannedPolicy } from "../../domain/policy/plan.ts";
import type { AgentRow } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import { controllerZone } from "./zone.ts";

export type PolicyInForce = BindablePolicy & PlannedPolicy;
export type BindingRow = Db["tables"]["itemPolicies"]["$inferSelect"];

/** Those that are neither retired nor switched off. */
export async function policiesInForce(db: Db): Promise<PolicyInForce[]> {
  const { policies: p } = db.tables;
  const { policyId, version, createdAt, priority, body } = p;
  return await db
    .select({ policyId, version, createdAt, priority, body })
    .from(p)
    .where(and(eq(p.enabled, true), isNull(p.retiredAt)));
}

/** Agents that still take orders. */
export async function hostsOf(db: Db, agentIds: readonly string[]): Promise<AgentRow[]> {
  const { agents: a } = db.tables;
  return await db
    .select()
    .from(a)
    .where(and(inArray(a.agentId, [...agentIds]), eq(a.state, "enrolled")));
}

export async function itemsOf(db: Db, agentIds: readonly string[]): Promise<BoundItem[]> {
  const { items: i } = db.tables;
  return await db
    .select({ agentId: i.agentId, vmContextId: i.vmContextId, vmName: i.vmName })
    .from(i)
    .where(and(inArray(i.agentId, [...agentIds]), isNull(i.retiredAt)));
}

export async function bindingsOf(db: Db, agentIds: readonly string[]): Promise<BindingRow[]> {
  const { itemPolicies: b } = db.tables;
  return await db
    .select()
    .from(b)
    .where(inArray(b.agentId, [...agentIds]));
}

export function plannedHost({ agentId, labels, timeZone }: AgentRow): PlannedHost {
  return { agentId, labels, zone: timeZone ?? controllerZone() };
}
