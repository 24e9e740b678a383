import { and, eq, inArray, isNull, or } from "drizzle-orm";
import type { Observation, Subject } from "../../domain/alert/observation.ts";
import { pieces } from "../../store/bulk.ts";
import type { Db } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { WorkedOut } from "./work-out.ts";

type Key = { agentId: string; vmContextId: string };

/**
 * An item that had a policy and has none any more is backed up by nobody, and no run of it is missed: a new name or label is
 * enough, or a mistake in the host's configuration. Of what a person took out here, and of revoked hosts, nothing is said.
 */
export async function observeBound(db: Db, news: readonly WorkedOut[], now: Date): Promise<void> {
  const gone = news.flatMap((one) => (one.agent === null ? [] : one.gone));
  const fresh = news.flatMap((one) => one.fresh);
  const items = await lostItems(db, gone);
  const policies = await policyNames(db, new Set(gone.map(({ policyId }) => policyId)));
  const lost = gone.flatMap((row): Observation[] => {
    const item = items.get(keyOf(row));
    if (item === undefined) return [];
    const message = `${whatHappened(item, policies.get(row.policyId) ?? row.policyId)}: nothing backs it up, and nothing of it is missed`;
    return [{ ...about(row), state: "firing", message, evidence: { policy_id: row.policyId } }];
  });
  const found = fresh.map((row): Observation => ({ ...about(row), state: "ok", message: "it has a policy" }));
  await recordObservations(db, [...lost, ...found], now);
}

type Item = { vmName: string; retiredAt: Date | null };

function whatHappened({ vmName, retiredAt }: Item, policy: string): string {
  if (retiredAt === null) return `${vmName} has lost its policy ${policy} and comes to no other`;
  return `its host does not name ${vmName} any more, which had the policy ${policy}`;
}

/** Without those that a person took out. */
async function lostItems(db: Db, gone: readonly Key[]): Promise<Map<string, Item>> {
  const { items: i } = db.tables;
  const found = new Map<string, Item>();
  for (const [agentId, keys] of Map.groupBy(gone, (key) => key.agentId))
    for (const ids of pieces(keys.map(({ vmContextId }) => vmContextId))) {
      const rows = await db
        .select({ agentId: i.agentId, vmContextId: i.vmContextId, vmName: i.vmName, retiredAt: i.retiredAt })
        .from(i)
        .where(and(eq(i.agentId, agentId), inArray(i.vmContextId, ids), or(isNull(i.retiredAt), eq(i.origin, "host"))));
      for (const row of rows) found.set(keyOf(row), row);
    }
  return found;
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
