/** Takes the counts of days anew of which something was told, from the history itself: what stands may be thrown away. */
import { and, asc, eq, gte, inArray, lte, sum } from "drizzle-orm";
import { dayOf, daysFrom } from "../../domain/health/days.ts";
import type { Db, Store } from "../../store/db.ts";
import { countDay, type DayCounts, NO_COUNTS } from "./count-day.ts";
import {
  type CountedDay,
  type DailyRow,
  daysOf,
  daysOfItems,
  FLEET,
  firstOfWindow,
  itemScope,
  putDays,
  scoredDays,
} from "./daily.ts";

type Context = { store: Store; now: () => Date };

const AGENTS_AT_ONCE = 25;
const ROWS_AT_ONCE = 192;

/** Takes some hosts' days anew, and the fleet's by them; answers how many hosts, 0 when nothing was to do. */
export async function recomputeDays({ store, now }: Context, signal?: AbortSignal): Promise<number> {
  const agents = await store.read(dirtyAgents);
  const touched = new Set<string>();
  for (const agentId of agents) {
    if (signal?.aborted === true) break;
    for (const day of await recomputeAgent(store, agentId, now())) touched.add(day);
  }
  if (touched.size > 0) await recomputeFleet(store, [...touched].sort(), now());
  return agents.length;
}

async function dirtyAgents(db: Db): Promise<string[]> {
  const { healthDirty: d } = db.tables;
  const rows = await db
    .select({ agentId: d.agentId })
    .from(d)
    .orderBy(asc(d.since))
    .limit(AGENTS_AT_ONCE * 4);
  return [...new Set(rows.map(({ agentId }) => agentId))].slice(0, AGENTS_AT_ONCE);
}

/** Answers the days that were taken anew. */
async function recomputeAgent(store: Store, agentId: string, now: Date): Promise<string[]> {
  const { rows, dirty, place } = await store.read((db) => readAgent(db, agentId, now));
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE)
    await store.write((db) => putDays(db, rows.slice(from, from + ROWS_AT_ONCE)));
  const days = dirty.map(({ metricDate }) => metricDate);
  await store.write(async (db) => {
    // What was told meanwhile may not be in the counts: it is looked at again.
    if ((await placeOf(db)) !== place) return;
    const { healthDirty: d } = db.tables;
    await db
      .delete(d)
      .where(and(eq(d.agentId, agentId), inArray(d.metricDate, days)))
      .execute();
  });
  return days;
}

async function readAgent(db: Db, agentId: string, now: Date) {
  const { healthDirty: d } = db.tables;
  const place = await placeOf(db);
  const dirty = await db.select().from(d).where(eq(d.agentId, agentId)).orderBy(asc(d.metricDate));
  const first = dirty[0]?.metricDate;
  if (first === undefined) return { rows: [], dirty, place };
  const today = dayOf(now);
  const counted = new Map<string, CountedDay[]>();
  const whole: CountedDay[] = [];
  for (const { metricDate } of dirty) {
    const items = await countDay(db, agentId, metricDate);
    whole.push({ metricDate, ...[...items.values()].reduce(together, NO_COUNTS) });
    for (const [item, counts] of items) {
      const { scopeId } = itemScope(agentId, item);
      if (item !== "") counted.set(scopeId, [...(counted.get(scopeId) ?? []), { metricDate, ...counts }]);
    }
  }
  const window = daysFrom(firstOfWindow(first), today);
  const known = await daysOfItems(db, agentId, window);
  const rows: DailyRow[] = [];
  for (const scopeId of new Set([...known.keys(), ...counted.keys()])) {
    const anew = new Map((counted.get(scopeId) ?? []).map((each) => [each.metricDate, each]));
    // Of a day on which nothing is known of it any more nothing is left.
    const days = dirty.map(({ metricDate }) => anew.get(metricDate) ?? { metricDate, ...NO_COUNTS });
    rows.push(
      ...scoredDays({ scopeKind: "item", scopeId }, { known: known.get(scopeId) ?? [], counted: days, today, now }),
    );
  }
  const agent = { scopeKind: "agent", scopeId: agentId } as const;
  const knownOfAgent = await daysOf(db, agent, firstOfWindow(first), today);
  rows.push(...scoredDays(agent, { known: knownOfAgent, counted: whole, today, now }));
  return { rows, dirty, place };
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

/** The hosts' rows of each day together. */
async function recomputeFleet(store: Store, days: readonly string[], now: Date): Promise<void> {
  const [first = dayOf(now)] = days;
  const today = dayOf(now);
  const rows = await store.read(async (db) => {
    const known = await daysOf(db, FLEET, firstOfWindow(first), today);
    const counted = await sumOfAgents(db, days);
    return scoredDays(FLEET, { known, counted, today, now });
  });
  await store.write((db) => putDays(db, rows));
}

async function sumOfAgents(db: Db, days: readonly string[]): Promise<CountedDay[]> {
  const { healthDaily: h } = db.tables;
  const [from = "", until = ""] = [days[0], days.at(-1)];
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
    .where(and(gte(h.metricDate, from), lte(h.metricDate, until), eq(h.scopeKind, "agent")))
    .groupBy(h.metricDate);
}

/** How far the events were followed when this was read. */
async function placeOf(db: Db): Promise<number> {
  const { projections: p } = db.tables;
  const [row] = await db.select({ cursor: p.cursor }).from(p).where(eq(p.name, "health"));
  return row?.cursor ?? 0;
}
