/** Following the events: each is taken in once by each that follows, whatever is killed meanwhile. */
import { and, asc, desc, eq, gt, inArray, lte } from "drizzle-orm";
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
  /** Of these kinds only, the others are passed over unread; without it all. */
  kinds?: readonly string[];
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
/** Of a wanted kind or not: what is looked through at once. */
const SPAN = 2000;

/** `until`: everything up to this cursor was looked at; `more`: there are others behind it. */
type Next = { events: readonly SeenEvent[]; until: number; more: boolean };

/** Takes in what happened since the last time, a hundred at most; answers how many, 0 when there is nothing new. */
export async function runProjection(store: Store, projection: Projection, now: Date): Promise<number> {
  const from = await store.read((db) => placeOf(db, projection));
  const next = from === null ? null : await store.read((db) => nextOf(db, from, projection));
  if (next !== null && next.until === from) return 0;
  return await store.write(async (db) => {
    // Another may have been here meanwhile.
    if ((await placeOf(db, projection)) !== from) return 0;
    if (next !== null && next.events.length > 0) await projection.take(db, next.events, now);
    const { projections: p } = db.tables;
    const cursor = next?.until ?? (projection.begin === "newest" ? await newestCursor(db) : 0);
    await putRows(db, p, [p.name], [{ name: projection.name, cursor, at: now }]);
    return Math.max(next?.events.length ?? 0, next?.more === true ? 1 : 0);
  });
}

async function nextOf(db: Db, from: number, { kinds, share }: Projection): Promise<Next> {
  const { events: e } = db.tables;
  // Of old events there may be none between two cursors: what was purged is passed over at once.
  const [first] = await db
    .select({ cursor: e.cursor })
    .from(e)
    .where(gt(e.cursor, from))
    .orderBy(asc(e.cursor))
    .limit(1);
  if (first === undefined) return { events: [], until: from, more: false };
  const newest = await newestCursor(db);
  const until = Math.min(first.cursor + SPAN - 1, newest);
  const wanted = and(gt(e.cursor, from), lte(e.cursor, until), kinds && inArray(e.kind, [...kinds]));
  const found = await db.select().from(e).where(wanted).orderBy(asc(e.cursor)).limit(AT_ONCE);
  const events = found.slice(0, share?.(found) ?? found.length);
  const isAll = found.length < AT_ONCE && events.length === found.length;
  return { events, until: isAll ? until : (events.at(-1)?.cursor ?? until), more: !isAll || until < newest };
}

/** null: it never ran. */
async function placeOf(db: Db, { name }: Projection): Promise<number | null> {
  const { projections: p } = db.tables;
  const [row] = await db.select({ cursor: p.cursor }).from(p).where(eq(p.name, name));
  return row?.cursor ?? null;
}

async function newestCursor(db: Db): Promise<number> {
  const { events: e } = db.tables;
  const [row] = await db.select({ cursor: e.cursor }).from(e).orderBy(desc(e.cursor)).limit(1);
  return row?.cursor ?? 0;
}
