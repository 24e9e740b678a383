import { inArray } from "drizzle-orm";
import type { Observation, Subject } from "../../domain/alert/observation.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import { itemsOf } from "./load-bindings.ts";
import type { WorkedOut } from "./work-out.ts";

type Key = { agentId: string; vmContextId: string };

/**
 * An item that had a policy and has none any more is backed up by nobody, and no run of it is missed: a new name or label is
 * enough. Of items that are not protected any longer, and of revoked hosts, nothing is said.
 */
export async function observeBound(db: Db, news: readonly WorkedOut[], now: Date): Promise<void> {
  const gone = news.flatMap((one) => (one.agent === null ? [] : one.gone));
  const fresh = news.flatMap((one) => one.fresh);
  const live = gone.length === 0 ? [] : await itemsOf(db, [...new Set(gone.map(({ agentId }) => agentId))]);
  const names = new Map(live.map((item) => [keyOf(item), item.vmName]));
  const policies = await policyNames(db, new Set(gone.map(({ policyId }) => policyId)));
  const lost = gone.flatMap((row): Observation[] => {
    const vmName = names.get(keyOf(row));
    if (vmName === undefined) return [];
    const policy = policies.get(row.policyId) ?? row.policyId;
    const message = `${vmName} has lost its policy ${policy} and comes to no other: nothing backs it up, and nothing of it is missed`;
    return [{ ...about(row), state: "firing", message, evidence: { policy_id: row.policyId } }];
  });
  const found = fresh.map((row): Observation => ({ ...about(row), state: "ok", message: "it has a policy" }));
  await recordObservations(db, [...lost, ...found], now);
}

async function policyNames(db: Db, ids: ReadonlySet<string>): Promise<Map<string, string>> {
  const { policies: p } = db.tables;
  if (ids.size === 0) return new Map();
  const rows = await db
    .select({ id: p.policyId, name: p.name })
    .from(p)
    .where(inArray(p.policyId, [...ids]));
  return new Map(rows.map(({ id, name }) => [id, name]));
}

function about(item: Key): { subject: Subject; type: "item_unprotected" } {
  return { subject: { kind: "item", key: `item:${keyOf(item)}`, agentId: item.agentId }, type: "item_unprotected" };
}

function keyOf({ agentId, vmContextId }: Key): string {
  return `${agentId}/${vmContextId}`;
}
