/** Following the events: each is taken in once by each that follows, whatever is killed meanwhile. */
import { asc, desc, eq, gt } from "drizzle-orm";
import { putRows } from "../../store/bulk.ts";
import type { Db, Store } from "../../store/db.ts";

export type SeenEvent = Pick<
  Db["tables"]["events"]["$inferSelect"],
  "cursor" | "kind" | "agentId" | "at" | "receivedAt" | "subject" | "body" | "problem"
>;
export type Projection = {
  /** Unique and never changed: what was taken in is remembered by it. */
  name: string;
  /** Where one that is new begins: with all that is still kept, or with what happens from now on. */
  begin: "oldest" | "newest";
  /**
   * Takes events in, in order, in the transaction that remembers it. Facts may be told again as new events: work out what
   * they mean from the tables, never by adding them up.
   */
  take: (db: Db, events: readonly SeenEvent[], now: Date) => Promise<void>;
  /** How many of these, at least one, are work enough for one transaction; without it all of them. */
  share?: (events: readonly SeenEvent[]) => number;
};

/** Ingest waits for as long as these take. */
const AT_ONCE = 100;

/** Takes in what happened since the last time, a hundred at most; answers how many, 0 when there is nothing new. */
export async function runProjection(store: Store, projection: Projection, now: Date): Promise<number> {
  const from = await store.read((db) => placeOf(db, projection));
  const next = from === null ? [] : await store.read((db) => eventsAfter(db, from));
  const events = next.slice(0, projection.share?.(next) ?? next.length);
  const last = events.at(-1)?.cursor;
  if (from !== null && last === undefined) return 0;
  return await store.write(async (db) => {
    // Another may have been here meanwhile.
    if ((await placeOf(db, projection)) !== from) return 0;
    if (events.length > 0) await projection.take(db, events, now);
    const { projections: p } = db.tables;
    const cursor = last ?? (projection.begin === "newest" ? await newestCursor(db) : 0);
    await putRows(db, p, [p.name], [{ name: projection.name, cursor, at: now }]);
    return events.length;
  });
}

/** null: it never ran. */
async function placeOf(db: Db, { name }: Projection): Promise<number | null> {
  const { projections: p } = db.tables;
  const [row] = await db.select({ cursor: p.cursor }).from(p).where(eq(p.name, name));
  return row?.cursor ?? null;
}

async function eventsAfter(db: Db, cursor: number): Promise<SeenEvent[]> {
  const { events: e } = db.tables;
  return await db.select().from(e).where(gt(e.cursor, cursor)).orderBy(asc(e.cursor)).limit(AT_ONCE);
}

async function newestCursor(db: Db): Promise<number> {
  const { events: e } = db.tables;
  const [row] = await db.select({ cursor: e.cursor }).from(e).orderBy(desc(e.cursor)).limit(1);
  return row?.cursor ?? 0;
}
