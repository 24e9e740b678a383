/** Hosts with items, and what their policies are pushed, for tests. */
import { type HostPlan, hostPlan } from "@holdfast/protocol";
import { eq } from "drizzle-orm";
import type { Logger } from "pino";
import type { Caller } from "../../domain/access.ts";
import { policyBody } from "../../domain/policy/policy-body.ts";
import { type AgentRow, findAgent } from "../../store/agents.ts";
import type { Store } from "../../store/db.ts";
import { NOW, newAgent, silent } from "../ingest/test-events.ts";
import { hostPolicy } from "./host-policy.ts";
import { createPolicy } from "./write-policy.ts";

export const caller: Caller = {
  actor: { kind: "token", id: "admin", scopes: ["admin"], agentId: null },
  requestId: "00000000-0000-4000-8000-000000000000",
  source: "127.0.0.1",
};

export type Fleet = {
  store: Store;
  clock: { now: Date };
  /** Agents in the order in which they were pushed a policy; emptied by whoever reads it. */
  takePushed: () => string[];
  now: () => Date;
  policies: { changed: (agentId: string) => Promise<void> };
  log: Logger;
};

export function fleetOn(store: Store): Fleet {
  const clock = { now: NOW };
  const pushed: string[] = [];
  const changed = async (agentId: string) => void pushed.push(agentId);
  return { store, clock, takePushed: () => pushed.splice(0), now: () => clock.now, policies: { changed }, log: silent };
}

/** A host of this zone with these labels and items. */
export async function addHost(
  { store }: Fleet,
  { items = ["vm-1"], ...facts }: { items?: string[] } & Partial<Pick<AgentRow, "labels" | "timeZone">> = {},
): Promise<string> {
  const agentId = await newAgent(store);
  await setAgent(store, agentId, { timeZone: "UTC", ...facts });
  await store.write(async (db) => {
    for (const vmContextId of items) {
      const origin = "host" as const;
      const row = { agentId, vmContextId, vmName: vmContextId, repositoryId: "main", origin, definition: {} };
      await db.insert(db.tables.items).values({ ...row, createdAt: NOW, updatedAt: NOW });
    }
  });
  return agentId;
}

export async function setAgent(store: Store, agentId: string, facts: Partial<AgentRow>): Promise<void> {
  await store.write(async (db) => {
    const { agents: a } = db.tables;
    await db.update(a).set(facts).where(eq(a.agentId, agentId)).execute();
  });
}

export async function addPolicy(fleet: Fleet, body: object = {}): Promise<string> {
  const change = { body: policyBody.parse({ name: "nightly", selector: {}, ...body }), reason: "" };
  const row = await createPolicy(fleet, caller, change);
  return row.policyId;
}

/** What the host would be pushed now, with its version. */
export async function plansOf(
  { store, clock }: Fleet,
  agentId: string,
): Promise<{ version: number; plans: HostPlan[] }> {
  const policy = await store.read((db) => hostPolicy(db, agentId, clock.now));
  return { version: policy?.version ?? -1, plans: (policy?.plans ?? []).map((plan) => hostPlan.parse(plan)) };
}

/** `<item>:<policy>` of all that are noted, in order. */
export async function boundOf({ store }: Fleet, agentId: string): Promise<string[]> {
  const rows = await store.read(async (db) => {
    const { itemPolicies: b } = db.tables;
    return await db.select().from(b).where(eq(b.agentId, agentId));
  });
  return rows.map(({ vmContextId, policyId }) => `${vmContextId}:${policyId}`).sort();
}

export async function agentOf({ store }: Fleet, agentId: string): Promise<AgentRow> {
  const row = await store.read((db) => findAgent(db, agentId));
  if (row === undefined) throw new Error("there is no such agent");
  return row;
}
