import { and, eq, inArray, isNull } from "drizzle-orm";
import { type PolicyBody, policyBody } from "../../domain/policy/policy-body.ts";
import type { Db } from "../../store/db.ts";

export type Targets = PolicyBody["targets"];
/** `policyId` null: no policy that is in force. `since`: when the item came to it. */
export type ItemTargets = Targets & { policyId: string | null; since: Date | null };

/** Of what no policy is about. */
export const UNTARGETED: ItemTargets = { ...policyBody.parse({ name: "none" }).targets, policyId: null, since: null };

/** What the policies ask of these items of one host. */
export async function targetsOf(
  db: Db,
  agentId: string,
  vmContextIds: readonly string[],
): Promise<(vmContextId: string) => ItemTargets> {
  const { itemPolicies: i, policies: p } = db.tables;
  if (vmContextIds.length === 0) return () => UNTARGETED;
  const rows = await db
    .select({ vmContextId: i.vmContextId, policyId: i.policyId, since: i.since, body: p.body })
    .from(i)
    .innerJoin(p, eq(p.policyId, i.policyId))
    .where(
      and(
        ...[eq(i.agentId, agentId), inArray(i.vmContextId, [...vmContextIds])],
        ...[eq(p.enabled, true), isNull(p.retiredAt)],
      ),
    );
  const known = new Map(
    rows.map(({ vmContextId, policyId, since, body }) => [vmContextId, { ...body.targets, policyId, since }]),
  );
  return (vmContextId) => known.get(vmContextId) ?? UNTARGETED;
}
