import { and, asc, eq, inArray } from "drizzle-orm";
import { addDays, dayOf, daysFrom } from "../../domain/health/days.ts";
import { pieces } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";
import { clockJump } from "../retention/clock-state.ts";
import { addDay, type Days, markDays } from "./mark.ts";

type Context = { store: Store; now: () => Date };
export type DayClose = (context: Context) => Promise<void>;

const MOST_DAYS = 10;
const PURGED_AT_ONCE = 200;
/** So long the days of items and of hosts are kept; the fleet's are kept for ever. */
export const KEPT_DAYS = { item: 400, aomei: 400, agent: 1200 } as const;

/** When a day has ended, and at the start: what is over is counted as it ended, and the new one begins. */
export function closeDays(): DayClose {
  let closed: string | null = null;
  return async ({ store, now }) => {
    const today = dayOf(now());
    if (closed === today) return;
    const agentIds = await store.read(hosts);
    // A clock that jumps over many days leaves the older ones without a word.
    const over = daysFrom(closed ?? addDays(today, -1), today).slice(-MOST_DAYS);
    for (const some of pieces(agentIds)) await store.write((db) => markHosts(db, some, over, now()));
    const isDoubted = (await store.read((db) => clockJump(db, now()))) !== null;
    for (const [kind, days] of isDoubted ? [] : Object.entries(KEPT_DAYS))
      await purge(store, kind as keyof typeof KEPT_DAYS, addDays(today, -days));
    closed = today;
  };
}

async function hosts(db: Db): Promise<string[]> {
  const { agents: a } = db.tables;
  const rows = await db.select({ id: a.agentId }).from(a).where(eq(a.state, "enrolled"));
  return rows.map(({ id }) => id);
}

async function markHosts(db: Db, agentIds: readonly string[], all: readonly string[], now: Date): Promise<void> {
  const days: Days = new Map();
  for (const agentId of agentIds) for (const day of all) addDay(days, agentId, day);
  await markDays(db, days, now);
}

/** Day by day: what others keep for longer is of the same days, and would be read through to find nothing. */
async function purge(store: Store, scopeKind: keyof typeof KEPT_DAYS, before: string): Promise<void> {
  const oldest = await store.read(oldestDay);
  if (oldest === null || oldest >= before) return;
  for (const days of pieces(daysFrom(oldest, addDays(before, -1))))
    while ((await store.write((db) => purgeSome(db, scopeKind, days))) > 0);
}

async function oldestDay(db: Db): Promise<string | null> {
  const { healthDaily: h } = db.tables;
  const [row] = await db.select({ day: h.metricDate }).from(h).orderBy(asc(h.metricDate)).limit(1);
  return row?.day ?? null;
}

/** Answers how many rows went. */
async function purgeSome(db: Db, scopeKind: keyof typeof KEPT_DAYS, days: readonly string[]): Promise<number> {
  const { healthDaily: h } = db.tables;
  const old = await db
    .select({ day: h.metricDate, id: h.scopeId })
    .from(h)
    .where(and(eq(h.scopeKind, scopeKind), inArray(h.metricDate, [...days])))
    .limit(PURGED_AT_ONCE);
  for (const [day, rows] of Map.groupBy(old, (row) => row.day)) {
    const ids = rows.map(({ id }) => id);
    const those = and(eq(h.metricDate, day), eq(h.scopeKind, scopeKind), inArray(h.scopeId, ids));
    await db.delete(h).where(those).execute();
  }
  return old.length;
}
