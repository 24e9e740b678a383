import { and, eq, isNull } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";

export type PolicyRow = Db["tables"]["policies"]["$inferSelect"];

/** A policy, also one that was retired. NOT_FOUND. */
export async function findPolicy(db: Db, policyId: string): Promise<PolicyRow> {
  const { policies: p } = db.tables;
  const [row] = await db.select().from(p).where(eq(p.policyId, policyId));
  if (row === undefined) throw new ControllerError("NOT_FOUND", { message: `there is no policy ${policyId}` });
  return row;
}

/** CONFLICT when another policy that is not retired is called so. */
export async function refuseSameName(db: Db, name: string, except: string | null): Promise<void> {
  const { policies: p } = db.tables;
  const [other] = await db
    .select({ policyId: p.policyId })
    .from(p)
    .where(and(eq(p.name, name), isNull(p.retiredAt)));
  if (other === undefined || other.policyId === except) return;
  throw new ControllerError("CONFLICT", {
    message: `there is a policy named '${name}' already`,
    details: `policy_id=${other.policyId}`,
  });
}

/** FORBIDDEN for a key that is limited to one agent: policies are about all of them. */
export function refuseLimited(actor: Actor): void {
  if (actor.agentId === null) return;
  throw new ControllerError("FORBIDDEN", { message: "this key is limited to one agent, policies are not" });
}
