/** Runs that never were leave no event: what the ledger says of each day is compared with what it said before. */
import { and, count, eq, gt, gte, lt } from "drizzle-orm";
import { addDays, dayOf, daysFrom, startOf } from "../../domain/health/days.ts";
import { pieces } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";
import { addDay, addItem, type Days, type Items, markDays, markManyItems } from "./mark.ts";

type Context = { store: Store; now: () => Date };
/** How many of an item's backups are missed, by agent and item. */
type Missed = Map<string, number>;
export type MissedWatch = (context: Context) => Promise<void>;

/** What was missed longer ago does not change any more. */
const DAYS_BACK = 9;
/** Most of what changes is of the last days; all of it is looked at with every so manyth look. */
const RECENT_DAYS_BACK = 2;
const WHOLE_EVERY = 20;

/** Answers a look; call it every quarter of a minute or so. The first marks every day that may be out of date. */
export function watchMissed(): MissedWatch {
  const before = new Map<string, Missed>();
  let looks = 0;
  return async ({ store, now }) => {
    const at = now();
    const isFirst = looks === 0;
    const back = looks % WHOLE_EVERY === 0 ? DAYS_BACK : RECENT_DAYS_BACK;
    // Others have a turn between the days: a day may have as many as there are items.
    for (const day of daysFrom(addDays(dayOf(at), -back), dayOf(at))) {
      const missed = await store.read((db) => missedOn(db, day));
      const known = before.get(day) ?? (isFirst ? await store.read((db) => failedOn(db, day)) : new Map());
      await markAll(store, { day, keys: differing(known, missed), now: at });
      before.set(day, missed);
    }
    for (const day of before.keys()) if (day < addDays(dayOf(at), -DAYS_BACK)) before.delete(day);
    looks += 1;
  };
}

function differing(known: Missed, missed: Missed): string[] {
  const gone = [...known.keys()].filter((key) => !missed.has(key));
  return [...gone, ...[...missed].filter(([key, many]) => known.get(key) !== many).map(([key]) => key)];
}

type Changed = { day: string; keys: readonly string[]; now: Date };

async function markAll(store: Store, { day, keys, now }: Changed): Promise<void> {
  const days: Days = new Map();
  const items: Items = new Map();
  for (const key of keys) {
    const [agentId = "", ...item] = key.split("/");
    addDay(days, agentId, day);
    addItem(items, agentId, item.join("/"));
  }
  for (const some of pieces([...days])) await store.write((db) => markDays(db, new Map(some), now));
  await markManyItems(store, items, now);
}

async function missedOn(db: Db, day: string): Promise<Missed> {
  const { expectedRuns: e } = db.tables;
  const ofDay = and(gte(e.dueAt, startOf(day)), lt(e.dueAt, startOf(addDays(day, 1))));
  const rows = await db
    .select({ agentId: e.agentId, item: e.subjectId, many: count() })
    .from(e)
    .where(and(eq(e.state, "missed"), ofDay, eq(e.task, "backup")))
    .groupBy(e.agentId, e.subjectId);
  return new Map(rows.map(({ agentId, item, many }) => [`${agentId}/${item}`, many]));
}

/** Of days without a failure nothing is missed. */
async function failedOn(db: Db, day: string): Promise<Missed> {
  const { healthDaily: h } = db.tables;
  const ofDay = and(eq(h.metricDate, day), eq(h.scopeKind, "item"), gt(h.failedBackups, 0));
  const rows = await db.select({ scopeId: h.scopeId }).from(h).where(ofDay);
  return new Map(rows.map(({ scopeId }) => [scopeId, -1]));
}
