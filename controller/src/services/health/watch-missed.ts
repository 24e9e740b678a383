/** Runs that never were leave no event: what the ledger says of each day is compared with what it said before. */
import { and, count, eq, gt, gte, lt } from "drizzle-orm";
import { addDays, dayOf, daysFrom, startOf } from "../../domain/health/days.ts";
import type { Db, Store } from "../../store/db.ts";
import { addDay, addItem, type Days, type Items, markDays, markItems } from "./mark.ts";

type Context = { store: Store; now: () => Date };
/** How many of an item's backups are missed, by day, agent and item. */
type Missed = Map<string, number>;
export type MissedWatch = (context: Context) => Promise<void>;

/** What was missed longer ago does not change any more. */
const DAYS_BACK = 9;
/** Most of what changes is of the last days; all of it is looked at with every so manyth look. */
const RECENT_DAYS_BACK = 2;
const WHOLE_EVERY = 20;

/** Answers a look; call it every quarter of a minute or so. The first marks every day that may be out of date. */
export function watchMissed(): MissedWatch {
  let before: Missed | null = null;
  let looks = 0;
  return async ({ store, now }) => {
    const at = now();
    const back = looks++ % WHOLE_EVERY === 0 ? DAYS_BACK : RECENT_DAYS_BACK;
    const days = daysFrom(addDays(dayOf(at), -back), dayOf(at));
    const missed = await store.read((db) => missedOn(db, days));
    const all = before ?? (await store.read((db) => failedOn(db, days)));
    const known = new Map([...all].filter(([key]) => key >= (days[0] ?? "")));
    const keys = [...new Set([...known.keys(), ...missed.keys()])];
    const changed = keys.filter((key) => known.get(key) !== missed.get(key));
    if (changed.length > 0) await store.write((db) => markAll(db, changed, at));
    const older = [...all].filter(([key]) => !known.has(key) && key >= addDays(dayOf(at), -DAYS_BACK));
    before = new Map([...older, ...missed]);
  };
}

async function markAll(db: Db, keys: readonly string[], now: Date): Promise<void> {
  const days: Days = new Map();
  const items: Items = new Map();
  for (const key of keys) {
    const [day = "", agentId = "", ...item] = key.split("/");
    addDay(days, agentId, day);
    addItem(items, agentId, item.join("/"));
  }
  await markDays(db, days, now);
  await markItems(db, items, now);
}

async function missedOn(db: Db, days: readonly string[]): Promise<Missed> {
  const { expectedRuns: e } = db.tables;
  const missed: Missed = new Map();
  for (const day of days) {
    const ofDay = and(gte(e.dueAt, startOf(day)), lt(e.dueAt, startOf(addDays(day, 1))));
    const rows = await db
      .select({ agentId: e.agentId, item: e.subjectId, many: count() })
      .from(e)
      .where(and(eq(e.state, "missed"), ofDay, eq(e.task, "backup")))
      .groupBy(e.agentId, e.subjectId);
    for (const { agentId, item, many } of rows) missed.set(`${day}/${agentId}/${item}`, many);
  }
  return missed;
}

/** Of days without a failure nothing is missed. */
async function failedOn(db: Db, days: readonly string[]): Promise<Missed> {
  const { healthDaily: h } = db.tables;
  const failed: Missed = new Map();
  for (const day of days) {
    const ofDay = and(eq(h.metricDate, day), eq(h.scopeKind, "item"), gt(h.failedBackups, 0));
    const rows = await db.select({ scopeId: h.scopeId }).from(h).where(ofDay);
    for (const { scopeId } of rows) failed.set(`${day}/${scopeId}`, -1);
  }
  return failed;
}
