import { and, desc, eq } from "drizzle-orm";
import { forbidden } from "../../domain/retention/check.ts";
import { needsPerson } from "../../domain/retention/guard.ts";
import { planRetention, type RetentionPlan } from "../../domain/retention/plan.ts";
import { CLOCKS_DIFFER_MS, type HostFloor, type Point } from "../../domain/retention/point.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import { clockJump, promiseTime } from "./clock-state.ts";
import type { Doubt } from "./doubt.ts";
import { hostFloorOf } from "./host-floor.ts";
import { type ItemPolicy, itemPolicy, zoneOf } from "./item-policy.ts";
import { loadPoints } from "./points.ts";

export type PlanRow = Db["tables"]["retentionPlans"]["$inferSelect"];
export type ItemPlan = {
  item: ItemKey;
  policy: ItemPolicy;
  points: Point[];
  plan: RetentionPlan;
  hostFloor: HostFloor | null;
  /** By which promises ended when it was made. */
  promised: Date;
  /** Why a person has to decide; null: nobody has to. */
  guard: string | null;
};

/** What retention says of an item now; nothing is written. null: no policy is in force. INTERNAL_ERROR when in doubt. */
export async function planItem(
  db: Db,
  item: ItemKey,
  { now, doubt }: { now: Date; doubt: Doubt | null },
): Promise<ItemPlan | null> {
  const policy = await itemPolicy(db, item);
  return policy === null ? null : await planBy(db, item, { policy, now, doubt });
}

/** The same by a policy that the item need not have. */
export async function planBy(
  db: Db,
  item: ItemKey,
  { policy, now, doubt }: { policy: ItemPolicy; now: Date; doubt: Doubt | null },
): Promise<ItemPlan> {
  const { rules } = policy;
  const refused = await refusedIds(db, item, policy);
  const promised = await promiseTime(db, item.agentId, now);
  const points = (await loadPoints(db, item, promised)).map((point) => ({
    ...point,
    held: [...point.held, ...(refused.get(point.backupId) ?? [])],
  }));
  const hostFloor = await hostFloorOf(db, item.agentId, now);
  const zone = await zoneOf(db, item.agentId, rules);
  const isClockBelieved = (await clockJump(db, now)) === null;
  const plan = planRetention({ points, rules, zone, now, promised, hostFloor, isClockBelieved });
  const faults = forbidden(points, plan.remove, { now, promised });
  if (faults.length > 0)
    throw new ControllerError("INTERNAL_ERROR", {
      message: `retention would have removed what must stay: ${faults.slice(0, 5).join("; ")}`,
    });
  const recordedSince = await countSince(db, item, policy, points);
  const facts = {
    points,
    remove: plan.remove,
    rules,
    approved: policy.approved,
    recordedSince,
    doubt: doubt?.why ?? null,
  };
  return { item, policy, points, plan, hostFloor, promised, guard: needsPerson(facts) };
}

/** What a person did not want removed by this version of the policy, and what they said. */
async function refusedIds(db: Db, item: ItemKey, policy: ItemPolicy): Promise<Map<string, string[]>> {
  const { retentionPlans: r } = db.tables;
  const { policyId, policyVersion, removals, decidedBy, reason } = r;
  const rows = await db
    .select({ removals, decidedBy, reason })
    .from(r)
    .where(
      and(ofItem(db, item), eq(r.state, "rejected"), eq(policyId, policy.policyId), eq(policyVersion, policy.version)),
    );
  const said = rows.flatMap((row) =>
    row.removals.flatMap(({ backup_ids }) =>
      backup_ids.map((id) => [id, [`${row.decidedBy} refused its removal: ${row.reason}`]] as [string, string[]]),
    ),
  );
  return new Map(said);
}

/**
 * Points that came since the last removal, or since the item got its policy; not those that were only heard of since:
 * a host that brings its old backups along has made none.
 */
async function countSince(db: Db, item: ItemKey, policy: ItemPolicy, points: readonly Point[]): Promise<number> {
  const { retentionPlans: r } = db.tables;
  const [last] = await db
    .select({ at: r.finishedAt })
    .from(r)
    .where(and(ofItem(db, item), eq(r.state, "applied")))
    .orderBy(desc(r.madeAt))
    .limit(1);
  const since = Math.max(policy.since.getTime(), last?.at?.getTime() ?? 0);
  const isSince = (at: Date | null, slackMs: number) => at !== null && at.getTime() >= since - slackMs;
  return points.filter(({ madeAt, recordedAt }) => isSince(recordedAt, 0) && isSince(madeAt, CLOCKS_DIFFER_MS)).length;
}

export function ofItem(db: Db, { agentId, vmContextId }: ItemKey) {
  const { retentionPlans: r } = db.tables;
  return and(eq(r.agentId, agentId), eq(r.vmContextId, vmContextId));
}
