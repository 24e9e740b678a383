import { isZone } from "@holdfast/protocol";
import { and, eq, isNull } from "drizzle-orm";
import type { RetentionRules } from "../../domain/retention/point.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import { controllerZone } from "../policies/zone.ts";
import { itemKeyOf } from "./item-key.ts";

export type ItemPolicy = {
  policyId: string;
  version: number;
  rules: RetentionRules;
  /** What the preview showed of the item when this version was approved; null: nobody looked. */
  approved: { removed: number } | null;
  /** Since when the item has the policy, in whichever version. */
  since: Date;
};

/** The policy by which an item's backups are kept; null: it has none that is in force, so all are. */
export async function itemPolicy(db: Db, item: ItemKey): Promise<ItemPolicy | null> {
  const { agentId, vmContextId } = item;
  const { itemPolicies: b, policies: p, policyVersions: v } = db.tables;
  const [row] = await db
    .select({
      ...{ policyId: p.policyId, version: p.version, body: p.body, since: b.since },
      ...{ removals: v.removals, itemRemovals: v.itemRemovals },
    })
    .from(b)
    .innerJoin(p, eq(p.policyId, b.policyId))
    .leftJoin(v, and(eq(v.policyId, p.policyId), eq(v.version, p.version)))
    .where(and(eq(b.agentId, agentId), eq(b.vmContextId, vmContextId), eq(p.enabled, true), isNull(p.retiredAt)));
  if (row === undefined) return null;
  const { policyId, version, body, removals, itemRemovals, since } = row;
  const own = itemRemovals === null ? removals : (itemRemovals.items[itemKeyOf(item)] ?? itemRemovals.others);
  const approved = removals === null || own === null ? null : { removed: own };
  return { policyId, version, rules: body.retention, approved, since };
}

/** The zone of the rules' days; `local` is the host's. CANNOT_BE_DONE when there is no such zone. */
export async function zoneOf(db: Db, agentId: string, { zone }: RetentionRules): Promise<string> {
  const { agents: a } = db.tables;
  const [agent] = await db.select({ zone: a.timeZone }).from(a).where(eq(a.agentId, agentId));
  const decided = zone === "local" ? (agent?.zone ?? controllerZone()) : zone;
  if (isZone(decided)) return decided;
  throw new ControllerError("CANNOT_BE_DONE", { message: `'${decided}' is no time zone: nothing is removed by it` });
}
