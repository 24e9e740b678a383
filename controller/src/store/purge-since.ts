import { desc, lt } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db, Store } from "./db.ts";
import type { Tables } from "./schema.ts";

/** The column by which a table's rows are old; an index has it first. */
export type Timed = (tables: Tables) => { table: SQLiteTable; at: SQLiteColumn };

/** Counted off with one look: two millions at once would keep everybody waiting. */
const STEP_ROWS = 20_000;

/** What is from before this is older than `before`, or there are `maxRows` newer ones. */
export async function keptSince(
  store: Store,
  timed: Timed,
  { before, maxRows, step = STEP_ROWS }: { before: Date; maxRows: number; step?: number },
): Promise<Date> {
  let since: Date | null = null;
  for (let left = Math.max(1, maxRows); left > 0; left -= step) {
    const skipped = Math.min(step, left) - 1;
    const found: Date | null = await store.read((db) => timeAfter(db, timed, { earlierThan: since, skipped }));
    if (found === null || found <= before) return before;
    since = found;
  }
  return since ?? before;
}

type Place = { earlierThan: Date | null; skipped: number };

/** Of the newest that is left after so many. */
async function timeAfter(db: Db, timed: Timed, { earlierThan, skipped }: Place): Promise<Date | null> {
  const { table, at } = timed(db.tables);
  const rows = await db
    .select({ at })
    .from(table)
    .where(earlierThan === null ? undefined : lt(at, earlierThan))
    .orderBy(desc(at))
    .limit(1)
    .offset(skipped);
  return (rows as { at: Date }[])[0]?.at ?? null;
}
