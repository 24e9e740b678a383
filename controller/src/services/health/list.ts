import { and, count, eq } from "drizzle-orm";
import type { Actor } from "../../domain/access.ts";
import { addDays, dayOf } from "../../domain/health/days.ts";
import { type HealthCounts, type Trend, trend } from "../../domain/health/score.ts";
import { ControllerError } from "../../errors.ts";
import type { Db } from "../../store/db.ts";
import { fleetOnly } from "../alerts/fleet-only.ts";
import { findJob } from "../aomei/find-job.ts";
import type { ServiceContext } from "../context.ts";
import { findItem, type ItemRef } from "../items/find.ts";
import { findAgent } from "../lists/find-agent.ts";
import { invalidFields } from "../lists/invalid-fields.ts";
import { type Page, type PageRequest, readRows } from "../lists/page.ts";
import { visibleAgent } from "../lists/visible.ts";
import { type DailyRow, daysOf, FLEET, type Scope, windowCounts } from "./daily.ts";
import { type StateRow, VIEW_DAYS, type View, weekOfScores } from "./view.ts";
import { viewItems } from "./view-item.ts";

export type StateQuery = PageRequest & {
  agentId?: string | undefined;
  band?: StateRow["band"] | undefined;
  compliant?: boolean | undefined;
};

/** What each item is worth, as it was when it was last looked at; the one that is protected last comes first. */
export async function listItemStates(
  { store }: ServiceContext,
  actor: Actor,
  query: StateQuery,
): Promise<Page<StateRow>> {
  const agentId = visibleAgent(actor, query.agentId);
  return await store.read(async (db) => {
    const { itemStates: table } = db.tables;
    const keyset = { table, at: table.createdAt, ids: [table.subjectId, table.agentId] };
    const where = and(
      agentId === undefined ? undefined : eq(table.agentId, agentId),
      query.band === undefined ? undefined : eq(table.band, query.band),
      query.compliant === undefined ? undefined : eq(table.compliant, query.compliant),
    );
    const keyOf = (row: StateRow) => ({ at: row.createdAt, ids: [row.subjectId, row.agentId] });
    return await readRows(db, keyset, query, where, keyOf);
  });
}

/** One item at this moment. NOT_FOUND, FORBIDDEN. */
export async function itemHealth({ store, now }: ServiceContext, actor: Actor, ref: ItemRef): Promise<View> {
  return await store.read(async (db) => {
    const item = await findItem(db, actor, ref);
    const [view] = await viewItems(db, item.agentId, [item], now());
    if (view === undefined) throw new Error("an item without a view");
    return view;
  });
}

export type ScopeHealth = {
  counts: HealthCounts;
  trend: Trend | null;
  /** Of fourteen days at most, oldest first. */
  days: DailyRow[];
  bands: Record<StateRow["band"], number>;
  compliant: number;
  /** Items of which a part was not measured: however good the rates of all together are, of these nobody knows. */
  unproven: number;
};

/** All hosts together. FORBIDDEN for a credential that is limited to one of them. */
export async function fleetHealth({ store, now }: ServiceContext, actor: Actor): Promise<ScopeHealth> {
  fleetOnly(actor, "the figures of all hosts");
  return await store.read((db) => scopeHealth(db, FLEET, undefined, now()));
}

/** NOT_FOUND. */
export async function agentHealth({ store, now }: ServiceContext, actor: Actor, agentId: string): Promise<ScopeHealth> {
  return await store.read(async (db) => {
    await findAgent(db, actor, agentId);
    return await scopeHealth(db, { scopeKind: "agent", scopeId: agentId }, agentId, now());
  });
}

async function scopeHealth(db: Db, scope: Scope, agentId: string | undefined, now: Date): Promise<ScopeHealth> {
  const today = dayOf(now);
  const days = await daysOf(db, scope, addDays(today, 1 - VIEW_DAYS), today);
  const { itemStates: s } = db.tables;
  const ofAgent = agentId === undefined ? undefined : eq(s.agentId, agentId);
  const rows = await db
    .select({ band: s.band, compliant: s.compliant, many: count() })
    .from(s)
    .where(ofAgent)
    .groupBy(s.band, s.compliant);
  const [unproven] = await db
    .select({ many: count() })
    .from(s)
    .where(and(eq(s.proven, false), ofAgent));
  const many = (which: (row: (typeof rows)[number]) => boolean) =>
    rows.filter(which).reduce((all, row) => all + row.many, 0);
  const inBand = (band: StateRow["band"]) => many((row) => row.band === band);
  return {
    counts: windowCounts(days, today),
    trend: trend(weekOfScores(days, today)),
    days,
    bands: { good: inBand("good"), warning: inBand("warning"), critical: inBand("critical") },
    compliant: many(({ compliant }) => compliant),
    unproven: unproven?.many ?? 0,
  };
}

export type DailyQuery = { scope: DailyRow["scopeKind"]; id: string | undefined; days: number };

/** Day by day, oldest first; days on which nothing is known are left out. NOT_FOUND, JOB_NOT_FOUND, FORBIDDEN, VALIDATION_ERROR. */
export async function dailyHealth(
  { store, now }: ServiceContext,
  actor: Actor,
  { scope, id = "", days }: DailyQuery,
): Promise<DailyRow[]> {
  const today = dayOf(now());
  return await store.read(async (db) => {
    await visibleScope(db, actor, scope, id);
    const scopeId = scope === "fleet" ? FLEET.scopeId : id;
    return await daysOf(db, { scopeKind: scope, scopeId }, addDays(today, 1 - days), today);
  });
}

async function visibleScope(db: Db, actor: Actor, scope: DailyRow["scopeKind"], id: string): Promise<void> {
  if (scope === "agent") await findAgent(db, actor, id);
  else if (scope === "item") await knownItem(db, actor, id);
  else if (scope === "aomei") await knownJob(db, actor, id);
  else fleetOnly(actor, "the figures of all hosts");
}

/** Also one that is not protected any more: its days are still there. What never was one has no empty answer. */
async function knownItem(db: Db, actor: Actor, id: string): Promise<void> {
  const [, agentId = "", vmContextId = ""] = /^([^/]+)\/([^/]+)$/.exec(id) ?? [];
  if (agentId === "") throw invalidFields([{ path: "id", message: "must be <agent id>/<vm_context_id>" }]);
  await findAgent(db, actor, agentId);
  const { items: i } = db.tables;
  const which = and(eq(i.agentId, agentId), eq(i.vmContextId, vmContextId));
  const [item] = await db.select({ id: i.vmContextId }).from(i).where(which);
  if (item === undefined)
    throw new ControllerError("NOT_FOUND", { message: `the agent has no item ${JSON.stringify(vmContextId)}` });
}

async function knownJob(db: Db, actor: Actor, id: string): Promise<void> {
  if (!/^\d{1,15}$/.test(id)) throw invalidFields([{ path: "id", message: "must be the number of an AOMEI job" }]);
  await findJob(db, actor, Number(id));
}
