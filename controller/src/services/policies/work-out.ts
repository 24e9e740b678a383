/** Works out what some hosts are to run, and what of it is not noted yet. */
import { createHash } from "node:crypto";
import type { HostPlan } from "@holdfast/protocol";
import { type Binding, bindings } from "../../domain/policy/bind.ts";
import { hostPlans, plannedClosings } from "../../domain/policy/plan.ts";
import type { AgentRow } from "../../store/agents.ts";
import type { Db } from "../../store/db.ts";
import { openWindows } from "../windows/open-windows.ts";
import { type BindingRow, bindingsOf, hostsOf, itemsOf, plannedHost, policiesInForce } from "./load-bindings.ts";

/** `digest` of what the host is to run; `gone` and `fresh` make the noted bindings right. */
export type WorkedOut = {
  agentId: string;
  /** null: it takes no orders any more. */
  agent: AgentRow | null;
  plans: HostPlan[];
  digest: string | null;
  gone: BindingRow[];
  fresh: BindingRow[];
  isNews: boolean;
};

export async function workOut(db: Db, agentIds: readonly string[], now: Date): Promise<WorkedOut[]> {
  const policies = await policiesInForce(db);
  const closings = plannedClosings(await openWindows(db, now), now);
  const agents = new Map((await hostsOf(db, agentIds)).map((agent) => [agent.agentId, agent]));
  const items = await itemsOf(db, agentIds);
  const wanted = Map.groupBy(bindings(policies, [...agents.values()], items), ({ agentId }) => agentId);
  const noted = Map.groupBy(await bindingsOf(db, agentIds), ({ agentId }) => agentId);
  const byId = new Map(policies.map((policy) => [policy.policyId, policy]));
  const names = new Map(items.map(({ agentId, vmContextId, vmName }) => [`${agentId}/${vmContextId}`, vmName]));
  return agentIds.map((agentId) => {
    const agent = agents.get(agentId) ?? null;
    const bound = wanted.get(agentId) ?? [];
    const planned = bound.map(({ vmContextId, policyId }) => {
      return { vmContextId, policyId, vmName: names.get(`${agentId}/${vmContextId}`) ?? "" };
    });
    const plans = agent === null ? [] : hostPlans(plannedHost(agent), byId, planned, closings);
    const digest = plans.length === 0 ? null : digestOf(plans);
    const changes = changesOf(bound, noted.get(agentId) ?? [], now);
    const isPlanned = agent === null || digest === notedDigest(agent);
    return { agentId, agent, plans, digest, ...changes, isNews: !isPlanned || !isSame(changes) };
  });
}

/** What was worked out when its policy got its version. */
export function notedDigest({ info }: AgentRow): string | null {
  const digest = info["plans_digest"];
  return typeof digest === "string" ? digest : null;
}

function changesOf(bound: readonly Binding[], noted: readonly BindingRow[], now: Date) {
  const before = new Map(noted.map((row) => [row.vmContextId, row]));
  const after = new Map(bound.map((binding) => [binding.vmContextId, binding]));
  const fresh = bound.flatMap((binding) => {
    const known = before.get(binding.vmContextId);
    const isKept = known?.policyId === binding.policyId;
    if (isKept && known.boundBy === binding.boundBy) return [];
    return [{ ...binding, since: isKept ? known.since : now }];
  });
  return { fresh, gone: noted.filter(({ vmContextId }) => !after.has(vmContextId)) };
}

function isSame({ fresh, gone }: Pick<WorkedOut, "fresh" | "gone">): boolean {
  return fresh.length + gone.length === 0;
}

function digestOf(plans: readonly HostPlan[]): string {
  return createHash("sha256").update(JSON.stringify(plans)).digest("hex").slice(0, 32);
}
