/** Takes the counts of days anew of which something was told, from the history itself: what stands may be thrown away. */
import { and, asc, desc, eq, gte, inArray, sum } from "drizzle-orm";
import { addDays, dayOf } from "../../domain/health/days.ts";
import type { Db, Store } from "../../store/db.ts";
import { recordObservations } from "../alerts/observe.ts";
import { observeCapacity } from "./capacity.ts";
import { KEPT_DAYS } from "./close-day.ts";
import { countDay, type DayCounts, NO_COUNTS } from "./count-day.ts";
import {
  type CountedDay,
  type DailyRow,
  daysAround,
  daysAroundOf,
  daysOfItems,
  FLEET,
  itemScope,
  putDays,
  scoredDays,
} from "./daily.ts";

type DirtyRow = Db["tables"]["healthDirty"]["$inferSelect"];
type Context = { store: Store; now: () => Date };

const AGENTS_AT_ONCE = 25;
const ROWS_AT_ONCE = 192;
/** Facts that are told again may be of years. */
const DAYS_AT_ONCE = 14;

/** Takes some hosts' days anew, and the fleet's by them; answers how many hosts, 0 when nothing was to do. */
export async function recomputeDays({ store, now }: Context, signal?: AbortSignal): Promise<number> {
  const agents = await store.read((db) => dirtyAgents(db, now()));
  const touched = new Set<string>();
  for (const agentId of agents) {
    if (signal?.aborted === true) break;
    for (const day of await recomputeAgent(store, agentId, now())) touched.add(day);
  }
  if (touched.size > 0) await recomputeFleet(store, [...touched].sort(), now());
  return agents.length;
}

/** Those first of which something is new: facts that are told again after years have time. */
async function dirtyAgents(db: Db, now: Date): Promise<string[]> {
  const { healthDirty: d } = db.tables;
  for (const which of [gte(d.metricDate, addDays(dayOf(now), -1)), undefined]) {
    const some = db.select({ agentId: d.agentId }).from(d).where(which);
    const rows = await some.orderBy(asc(d.since)).limit(AGENTS_AT_ONCE * 4);
    if (rows.length > 0) return [...new Set(rows.map(({ agentId }) => agentId))].slice(0, AGENTS_AT_ONCE);
  }
  return [];
}

/** Answers the days that were taken anew. A large host is read and written in pieces: others wait for each of them only. */
async function recomputeAgent(store: Store, agentId: string, now: Date): Promise<string[]> {
  const { dirty, place, capacity } = await store.read((db) => readAgent(db, agentId));
  const writing = async (work: (db: Db) => Promise<unknown>) =>
    await store.write(async (db) => {
      // What was told meanwhile may not be in the counts, and what another has counted may be newer.
      if ((await placeOf(db)) === place && (await areStill(db, dirty))) await work(db);
    });
  const kept = dirty.filter(({ metricDate }) => metricDate >= addDays(dayOf(now), -KEPT_DAYS.item));
  const counted = await countDays(
    store,
    agentId,
    kept.map(({ metricDate }) => metricDate),
  );
  for await (const rows of rowsOf(store, agentId, counted, now)) await writing((db) => putDays(db, rows));
  await writing(async (db) => {
    await recordObservations(db, capacity, now);
    await forgetDirty(db, dirty);
  });
  return dirty.map(({ metricDate }) => metricDate);
}

async function areStill(db: Db, dirty: readonly DirtyRow[]): Promise<boolean> {
  const { healthDirty: d } = db.tables;
  const [first] = dirty;
  if (first === undefined) return false;
  const days = dirty.map(({ metricDate }) => metricDate);
  const rows = await db
    .select()
    .from(d)
    .where(and(eq(d.agentId, first.agentId), inArray(d.metricDate, days)));
  const since = new Map(rows.map((row) => [row.metricDate, row.since.getTime()]));
  return dirty.every((row) => since.get(row.metricDate) === row.since.getTime());
}

async function forgetDirty(db: Db, dirty: readonly DirtyRow[]): Promise<void> {
  const { healthDirty: d } = db.tables;
  for (const { agentId, metricDate, since } of dirty)
    await db
      .delete(d)
      .where(and(eq(d.agentId, agentId), eq(d.metricDate, metricDate), eq(d.since, since)))
      .execute();
}

async function readAgent(db: Db, agentId: string) {
  const { healthDirty: d } = db.tables;
  const place = await placeOf(db);
  const ofAgent = db.select().from(d).where(eq(d.agentId, agentId));
  const dirty = await ofAgent.orderBy(desc(d.metricDate)).limit(DAYS_AT_ONCE);
  return { dirty, place, capacity: await observeCapacity(db, agentId) };
}

/** Counts by day and item. */
type Counted = ReadonlyMap<string, ReadonlyMap<string, DayCounts>>;

async function countDays(store: Store, agentId: string, days: readonly string[]): Promise<Counted> {
  const counted = new Map<string, Map<string, DayCounts>>();
  for (const day of days) counted.set(day, await store.read((db) => countDay(db, agentId, day)));
  return counted;
}

/** These days of a host and its items, and what else they change, a few hundred rows at a time. */
async function* rowsOf(store: Store, agentId: string, counted: Counted, now: Date): AsyncGenerator<DailyRow[]> {
  const today = dayOf(now);
  const days = [...counted.keys()];
  const known = await daysOfItems(store, agentId, daysAround(days, today));
  const items = [...counted.values()].flatMap((counts) => [...counts.keys()]).filter((item) => item !== "");
  let rows: DailyRow[] = [];
  for (const scopeId of new Set([...known.keys(), ...items.map((item) => itemScope(agentId, item).scopeId)])) {
    const item = scopeId.slice(agentId.length + 1);
    // Of a day on which nothing is known of it any more nothing is left.
    const own = days.map((metricDate) => ({ metricDate, ...(counted.get(metricDate)?.get(item) ?? NO_COUNTS) }));
    const standing = known.get(scopeId) ?? [];
    rows.push(...scoredDays({ scopeKind: "item", scopeId }, { known: standing, counted: own, today, now }));
    if (rows.length < ROWS_AT_ONCE) continue;
    yield rows;
    rows = [];
  }
  const agent = { scopeKind: "agent", scopeId: agentId } as const;
  const knownOfAgent = await store.read((db) => daysAroundOf(db, agent, days, today));
  const whole = days.map((metricDate) => {
    return { metricDate, ...[...(counted.get(metricDate)?.values() ?? [])].reduce(together, NO_COUNTS) };
  });
  yield [...rows, ...scoredDays(agent, { known: knownOfAgent, counted: whole, today, now })];
}

function together(one: DayCounts, other: DayCounts): DayCounts {
  return {
    totalBackups: one.totalBackups + other.totalBackups,
    successfulBackups: one.successfulBackups + other.successfulBackups,
    failedBackups: one.failedBackups + other.failedBackups,
    totalSizeBytes: one.totalSizeBytes + other.totalSizeBytes,
    verificationsTotal: one.verificationsTotal + other.verificationsTotal,
    verificationsPassed: one.verificationsPassed + other.verificationsPassed,
    drillsTotal: one.drillsTotal + other.drillsTotal,
    drillsPassed: one.drillsPassed + other.drillsPassed,
  };
}

/** The hosts' rows of each day together, at one moment: who comes later has what others have counted. */
async function recomputeFleet(store: Store, days: readonly string[], now: Date): Promise<void> {
  const today = dayOf(now);
  await store.write(async (db) => {
    const known = await daysAroundOf(db, FLEET, days, today);
    const counted = await sumOfAgents(db, days);
    await putDays(db, scoredDays(FLEET, { known, counted, today, now }));
  });
}

async function sumOfAgents(db: Db, days: readonly string[]): Promise<CountedDay[]> {
  const { healthDaily: h } = db.tables;
  const total = (column: Parameters<typeof sum>[0]) => sum(column).mapWith(Number);
  return await db
    .select({
      metricDate: h.metricDate,
      totalBackups: total(h.totalBackups),
      successfulBackups: total(h.successfulBackups),
      failedBackups: total(h.failedBackups),
      totalSizeBytes: total(h.totalSizeBytes),
      verificationsTotal: total(h.verificationsTotal),
      verificationsPassed: total(h.verificationsPassed),
      drillsTotal: total(h.drillsTotal),
      drillsPassed: total(h.drillsPassed),
    })
    .from(h)
    .where(and(inArray(h.metricDate, [...days]), eq(h.scopeKind, "agent")))
    .groupBy(h.metricDate);
}

/** How far the events were followed when this was read. */
async function placeOf(db: Db): Promise<number> {
  const { projections: p } = db.tables;
  const [row] = await db.select({ cursor: p.cursor }).from(p).where(eq(p.name, "health"));
  return row?.cursor ?? 0;
}
