/** Lists by time and id, newest first, page by page: as quick at the end of a million rows as at their start. */
import { and, count, desc, eq, type InferSelectModel, lt, lte, or, type SQL } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { z } from "zod";
import type { Db } from "../../store/db.ts";
import { invalidFields } from "./invalid-fields.ts";

export type PageRequest = { limit: number; cursor?: string | undefined };

/** `total` counts up to MAX_COUNTED; beyond that `totalExact` is false. */
export type Page<Row> = { rows: Row[]; nextCursor: string | null; total: number; totalExact: boolean };

/** The columns that order a list; together they are unique, and an index has them in this order. */
export type Keyset = { table: SQLiteTable; at: SQLiteColumn; ids: readonly SQLiteColumn[] };
type KeyOf<Row> = (row: Row) => { at: Date; ids: readonly string[] };

/** Counting a million rows takes longer than any page may. */
const MAX_COUNTED = 10_000;

const cursorShape = z.tuple([z.number().int().min(0).max(8.64e15)], z.string().max(4200));

/** What comes after the cursor's row; undefined at the start. VALIDATION_ERROR when it is none of ours. */
function afterCursor({ at, ids }: Keyset, cursor: string | undefined): SQL | undefined {
  if (cursor === undefined) return undefined;
  const place = readCursor(cursor, ids.length);
  const below = lower(ids.map((column, index) => ({ column, value: place.ids[index] ?? "" })));
  // The plain bound first: an index is entered by it, which no database does by an OR.
  return and(lte(at, place.at), or(lt(at, place.at), below));
}

/** Compared as one value: the first id decides, the next only between equals. */
function lower([first, ...rest]: { column: SQLiteColumn; value: string }[]): SQL | undefined {
  if (first === undefined) return undefined;
  const smaller = lt(first.column, first.value);
  return rest.length === 0 ? smaller : or(smaller, and(eq(first.column, first.value), lower(rest)));
}

function newestFirst({ at, ids }: Keyset): SQL[] {
  return [at, ...ids].map((column) => desc(column));
}

/** One page and how many rows match; `select` reads up to so many rows of one more condition, in the keyset's order. */
export async function readPage<Row>(
  db: Db,
  keyset: Keyset,
  request: PageRequest,
  where: SQL | undefined,
  keyOf: KeyOf<Row>,
  select: (where: SQL | undefined, order: SQL[], limit: number) => Promise<Row[]>,
): Promise<Page<Row>> {
  const found = await select(and(where, afterCursor(keyset, request.cursor)), newestFirst(keyset), request.limit + 1);
  const rows = found.slice(0, request.limit);
  const last = rows.at(-1);
  const isWhole = found.length <= request.limit && request.cursor === undefined;
  const total = isWhole ? rows.length : await countUpTo(db, keyset, where, MAX_COUNTED + 1);
  return {
    rows,
    nextCursor: found.length > request.limit && last !== undefined ? writeCursor(keyOf(last)) : null,
    total: Math.min(total, MAX_COUNTED),
    totalExact: total <= MAX_COUNTED,
  };
}

/** A page of whole rows of one table. */
export async function readRows<Table extends SQLiteTable>(
  db: Db,
  keyset: Keyset & { table: Table },
  request: PageRequest,
  where: SQL | undefined,
  keyOf: KeyOf<InferSelectModel<Table>>,
): Promise<Page<InferSelectModel<Table>>> {
  return await readPage(db, keyset, request, where, keyOf, async (matching, order, limit) => {
    const rows: unknown[] = await db
      .select()
      .from(keyset.table as SQLiteTable)
      .where(matching)
      .orderBy(...order)
      .limit(limit);
    return rows as InferSelectModel<Table>[];
  });
}

/** In the list's order, though a number has none: without it PostgreSQL looks for a frequent value all through the table. */
async function countUpTo(db: Db, keyset: Keyset, where: SQL | undefined, most: number): Promise<number> {
  const { table, at } = keyset;
  const few = db
    .select({ at })
    .from(table)
    .where(where)
    .orderBy(...newestFirst(keyset))
    .limit(most)
    .as("few");
  const [row] = await db.select({ rows: count() }).from(few);
  return row?.rows ?? 0;
}

function writeCursor({ at, ids }: { at: Date; ids: readonly string[] }): string {
  return Buffer.from(JSON.stringify([at.getTime(), ...ids])).toString("base64url");
}

function readCursor(cursor: string, idCount: number): { at: Date; ids: string[] } {
  const parsed = cursorShape.safeParse(parse(Buffer.from(cursor, "base64url").toString()));
  if (!parsed.success || parsed.data.length !== idCount + 1)
    throw invalidFields([{ path: "cursor", message: "is not a cursor of this list" }]);
  const [at, ...ids] = parsed.data;
  return { at: new Date(at), ids };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
