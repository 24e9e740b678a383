/** Runs that never were leave no event: what the ledger says of each day is compared with what it said before. */
import { and, count, eq, gt, gte, lt } from "drizzle-orm";
import { addDays, dayOf, daysFrom, startOf } from "../../domain/health/days.ts";
import { pieces } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";
import { addDay, addItem, type Days, type Items, markDays, markManyItems } from "./mark.ts";

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
    const missed = await ofDays(store, days, missedOn);
    const all = before ?? (await ofDays(store, days, failedOn));
    const known = new Map([...all].filter(([key]) => key >= (days[0] ?? "")));
    const keys = [...new Set([...known.keys(), ...missed.keys()])];
    const changed = keys.filter((key) => known.get(key) !== missed.get(key));
    await markAll(store, changed, at);
    const older = [...all].filter(([key]) => !known.has(key) && key >= addDays(dayOf(at), -DAYS_BACK));
    before = new Map([...older, ...missed]);
  };
}

async function markAll(store: Store, keys: readonly string[], now: Date): Promise<void> {
  const days: Days = new Map();
  const items: Items = new Map();
  for (const key of keys) {
    const [day = "", agentId = "", ...item] = key.split("/");
    addDay(days, agentId, day);
    addItem(items, agentId, item.join("/"));
  }
  for (const some of pieces([...days])) await store.write((db) => markDays(db, new Map(some), now));
  await markManyItems(store, items, now);
}

/** Others have a turn between the days. */
async function ofDays(
  store: Store,
  days: readonly string[],
  look: (db: Db, day: string) => Promise<[string, number][]>,
): Promise<Missed> {
  const found: Missed = new Map();
  for (const day of days) for (const [key, many] of await store.read((db) => look(db, day))) found.set(key, many);
  return found;
}

async function missedOn(db: Db, day: string): Promise<[string, number][]> {
  const { expectedRuns: e } = db.tables;
  const ofDay = and(gte(e.dueAt, startOf(day)), lt(e.dueAt, startOf(addDays(day, 1))));
  const rows = await db
    .select({ agentId: e.agentId, item: e.subjectId, many: count() })
    .from(e)
    .where(and(eq(e.state, "missed"), ofDay, eq(e.task, "backup")))
    .groupBy(e.agentId, e.subjectId);
  return rows.map(({ agentId, item, many }) => [`${day}/${agentId}/${item}`, many]);
}

/** Of days without a failure nothing is missed. */
async function failedOn(db: Db, day: string): Promise<[string, number][]> {
  const { healthDaily: h } = db.tables;
  const ofDay = and(eq(h.metricDate, day), eq(h.scopeKind, "item"), gt(h.failedBackups, 0));
  const rows = await db.select({ scopeId: h.scopeId }).from(h).where(ofDay);
  return rows.map(({ scopeId }) => [`${day}/${scopeId}`, -1]);
}
