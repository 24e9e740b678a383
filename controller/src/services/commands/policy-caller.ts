import { randomUUID } from "node:crypto";
import { type Actor, actorName, type Caller } from "../../domain/access.ts";

/** What is done in a policy's name, nobody asked for in person. */
export function policyAuthor(policyId: string): string {
  return actorName({ kind: "policy", id: policyId, scopes: [], agentId: null });
}

/** Whoever asked for something that is done later, as `actorName` wrote it down; what it may is decided already. */
export function callerNamed(author: string): Caller {
  const [kind = "policy", ...id] = author.split(":");
  const actor: Actor = { kind: kind as Actor["kind"], id: id.join(":"), scopes: [], agentId: null };
  return { actor, requestId: randomUUID(), source: "controller" };
}
