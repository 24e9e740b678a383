/** Which policy an item has: one at most. */
import type { PolicyBody, Selector } from "./policy-body.ts";

export type BindablePolicy = {
  policyId: string;
  createdAt: Date;
  priority: number;
  body: Pick<PolicyBody, "items" | "selector">;
};
export type Host = { agentId: string; labels: Readonly<Record<string, string>> };
export type BoundItem = { agentId: string; vmContextId: string; vmName: string };
export type Binding = { agentId: string; vmContextId: string; policyId: string; boundBy: "explicit" | "selector" };

/** `vmName` null: the host as a whole, which no selector of single VMs means. */
export function matches(selector: Selector, host: Host, vmName: string | null): boolean {
  return matchesHost(selector, host) && matchesName(selector, vmName);
}

function matchesHost({ labels, agent_ids }: Selector, host: Host): boolean {
  if (agent_ids !== undefined && !agent_ids.includes(host.agentId)) return false;
  return Object.entries(labels).every(([name, value]) => host.labels[name] === value);
}

function matchesName({ vm_names }: Selector, vmName: string | null): boolean {
  return vm_names === undefined || (vmName !== null && vm_names.includes(vmName));
}

/**
 * Who names the item itself goes before who selects it; then the higher priority decides, then who is older. Items whose
 * host is not given have none. `policies`: those in force.
 */
export function bindings(
  policies: readonly BindablePolicy[],
  hosts: readonly Host[],
  items: readonly BoundItem[],
): Binding[] {
  const ordered = [...policies].sort(precedence);
  const explicit = explicitly(ordered);
  const selecting = new Map(hosts.map((host) => [host.agentId, selectorsOf(ordered, host)]));
  return items.flatMap(({ agentId, vmContextId, vmName }): Binding[] => {
    const candidates = selecting.get(agentId);
    if (candidates === undefined) return [];
    const named = explicit.get(keyOf(agentId, vmContextId));
    const policyId = named ?? candidates.find(({ selector }) => matchesName(selector, vmName))?.policyId;
    if (policyId === undefined) return [];
    return [{ agentId, vmContextId, policyId, boundBy: named === undefined ? "selector" : "explicit" }];
  });
}

function precedence(a: BindablePolicy, b: BindablePolicy): number {
  const byRule = b.priority - a.priority || a.createdAt.getTime() - b.createdAt.getTime();
  return byRule !== 0 ? byRule : a.policyId < b.policyId ? -1 : 1;
}

function explicitly(ordered: readonly BindablePolicy[]): Map<string, string> {
  const named = ordered.flatMap(({ policyId, body }) =>
    body.items.map((item) => [keyOf(item.agent_id, item.vm_context_id), policyId] as const),
  );
  // The last one put in stays, and the first is wanted.
  return new Map(named.reverse());
}

function selectorsOf(ordered: readonly BindablePolicy[], host: Host): { policyId: string; selector: Selector }[] {
  return ordered.flatMap(({ policyId, body: { selector } }) =>
    selector !== null && matchesHost(selector, host) ? [{ policyId, selector }] : [],
  );
}

function keyOf(agentId: string, vmContextId: string): string {
  return `${agentId}/${vmContextId}`;
}
