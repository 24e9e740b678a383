/** Notes which policy the items of some hosts have. */
import { and, eq, inArray } from "drizzle-orm";
import type { AgentRow } from "../../store/agents.ts";
import { pieces, putRows } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import type { BindingRow } from "./load-bindings.ts";
import { observeBound } from "./observe-bound.ts";
import { notedDigest, type WorkedOut, workOut } from "./work-out.ts";

/**
 * Call it when items, labels, zones, policies or maintenance of these agents changed, in the same transaction. Answers
 * those whose plans changed: their policy has the next version, to be pushed after the commit.
 */
export async function rebind(db: Db, agentIds: readonly string[], now: Date): Promise<string[]> {
  const news = (await workOut(db, agentIds, now)).filter(({ isNews }) => isNews);
  await removeBindings(
    db,
    news.flatMap(({ gone }) => gone),
  );
  const { itemPolicies: b } = db.tables;
  await putRows(
    db,
    b,
    [b.agentId, b.vmContextId],
    news.flatMap(({ fresh }) => fresh),
  );
  await observeBound(db, news, now);
  const changed: string[] = [];
  for (const one of news) if (await noteDigest(db, one)) changed.push(one.agentId);
  return changed;
}

async function removeBindings(db: Db, gone: readonly BindingRow[]): Promise<void> {
  const { itemPolicies: b } = db.tables;
  for (const [agentId, rows] of Map.groupBy(gone, (row) => row.agentId))
    for (const some of pieces(rows.map(({ vmContextId }) => vmContextId)))
      await db.delete(b).where(and(eq(b.agentId, agentId), inArray(b.vmContextId, some)));
}

async function noteDigest(db: Db, { agent, digest }: WorkedOut): Promise<boolean> {
  if (agent === null || notedDigest(agent) === digest) return false;
  const { agents: a } = db.tables;
  const { plans_digest: _before, ...known } = agent.info;
  const info: AgentRow["info"] = digest === null ? known : { ...known, plans_digest: digest };
  await db
    .update(a)
    .set({ info, policyVersion: agent.policyVersion + 1 })
    .where(eq(a.agentId, agent.agentId));
  return true;
}
