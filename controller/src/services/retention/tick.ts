/** Which items it is time for: all of them once an hour, those of a policy when it changed, and those whose host came back. */
import { and, eq, inArray, isNull } from "drizzle-orm";
import type { Db, Store } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import type { ItemKey } from "../backups/proof-ends.ts";
import type { OrderContext } from "../commands/order.ts";
import type { ControlContext } from "../control/context.ts";
import { lookAtClock } from "./clock-state.ts";
import { itemKeyOf } from "./item-key.ts";
import { retentionBroken } from "./observations.ts";
import { retain } from "./retain.ts";

export type TickContext = OrderContext & Pick<ControlContext, "log" | "links" | "presence">;

/** What is remembered between ticks of one process. */
export type TickState = {
  /** By a clock that never jumps (milliseconds). */
  lastTick: number | null;
  lastHour: number | null;
  /** Versions of policies by their ids. */
  versions: ReadonlyMap<string, number>;
};
export const FIRST_TICK: TickState = { lastTick: null, lastHour: null, versions: new Map() };

const HOUR_MS = 3_600_000;
/** Not on the hour, when everything else is. */
const MINUTE_OF_HOUR_MS = 17 * 60_000;

/**
 * Call it every minute, with what it answered before. `elapsed`: a clock that never jumps. `advanced` is called after each
 * item.
 */
export async function tickRetention(
  context: TickContext,
  before: TickState,
  { elapsed, signal, advanced }: { elapsed: number; signal: AbortSignal; advanced: () => void },
): Promise<TickState> {
  await lookAtClock(context, before.lastTick === null ? null : elapsed - before.lastTick);
  const hour = Math.floor((context.now().getTime() - MINUTE_OF_HOUR_MS) / HOUR_MS);
  const versions = await context.store.read(policyVersions);
  const changed = [...versions].filter(([id, version]) => before.versions.get(id) !== version).map(([id]) => id);
  const isWhole = before.lastHour !== hour;
  const due = await context.store.read((db) => dueItems(db, { isWhole, changed }));
  const unbound = isWhole ? await unboundItems(context.store) : [];
  const items = new Map([...due, ...unbound].map((item) => [itemKeyOf(item), item]));
  for (const item of items.values()) {
    // What was not looked at has its turn with the next tick.
    if (signal.aborted) return before;
    await retainSafely(context, item);
    advanced();
  }
  return { lastTick: elapsed, lastHour: hour, versions };
}

/** One item that fails does not keep the others from being looked at. */
async function retainSafely(context: TickContext, item: ItemKey): Promise<void> {
  try {
    await retain(context, item, { caller: null, by: "repository" });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    context.log.error({ agent_id: item.agentId, vm_context_id: item.vmContextId, err: error }, "retention failed");
    await context.store.write((db) => recordObservations(db, [retentionBroken(item, why)], context.now()));
  }
}

async function policyVersions(db: Db): Promise<Map<string, number>> {
  const { policies: p } = db.tables;
  const rows = await db.select({ id: p.policyId, version: p.version }).from(p).where(isNull(p.retiredAt));
  return new Map(rows.map(({ id, version }) => [id, version]));
}

async function dueItems(
  db: Db,
  { isWhole, changed }: { isWhole: boolean; changed: readonly string[] },
): Promise<ItemKey[]> {
  const { itemPolicies: b, retentionPlans: r } = db.tables;
  const which = { agentId: b.agentId, vmContextId: b.vmContextId };
  const bound = isWhole ? await db.select(which).from(b) : [];
  const ofPolicies: ItemKey[] = [];
  for (const policyId of isWhole ? [] : changed)
    ofPolicies.push(...(await db.select(which).from(b).where(eq(b.policyId, policyId))));
  const open = await db
    .select({ agentId: r.agentId, vmContextId: r.vmContextId })
    .from(r)
    .where(inArray(r.state, isWhole ? ["waiting", "approved"] : ["approved"]));
  return [...bound, ...ofPolicies, ...open];
}

/** Of which marks are left from a policy that is not theirs any more. Host by host: there are as many marks as backups. */
async function unboundItems(store: Store): Promise<ItemKey[]> {
  const hosts = await store.read(
    async (db) => await db.select({ id: db.tables.agents.agentId }).from(db.tables.agents),
  );
  const items: ItemKey[] = [];
  for (const { id } of hosts) items.push(...(await store.read((db) => unboundOf(db, id))));
  return items;
}

async function unboundOf(db: Db, agentId: string): Promise<ItemKey[]> {
  const { itemPolicies: b, retentionMarks: m } = db.tables;
  return await db
    .selectDistinct({ agentId: m.agentId, vmContextId: m.vmContextId })
    .from(m)
    .leftJoin(b, and(eq(b.agentId, m.agentId), eq(b.vmContextId, m.vmContextId)))
    .where(and(eq(m.agentId, agentId), isNull(b.policyId)));
}
