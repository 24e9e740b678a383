import { randomUUID } from "node:crypto";
import type { Caller } from "../../domain/access.ts";

/** What a policy has done, nobody asked for in person. */
export function policyCaller(policyId: string): Caller {
  const actor = { kind: "policy", id: policyId, scopes: ["delete"], agentId: null } as const;
  return { actor, requestId: randomUUID(), source: "controller" };
}
