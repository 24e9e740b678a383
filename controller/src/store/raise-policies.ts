import { eq, inArray, sql } from "drizzle-orm";
import type { Db } from "./db.ts";

/** What the hosts of this policy's items run has changed: what each of them has been told is out of date. */
export async function raisePoliciesOf(db: Db, policyId: string): Promise<void> {
  const { agents: a, itemPolicies: b } = db.tables;
  const bound = db.selectDistinct({ agentId: b.agentId }).from(b).where(eq(b.policyId, policyId));
  await db
    .update(a)
    .set({ policyVersion: sql`${a.policyVersion} + 1` })
    .where(inArray(a.agentId, bound));
}
