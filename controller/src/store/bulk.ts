/** Many rows at once, in statements of few different lengths, so that they stay prepared on both databases. */
import { type Column, getTableColumns, type InferInsertModel, type InferSelectModel, inArray, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db } from "./db.ts";

/** Rows of one statement at most; each shorter length is a power of two. */
const LONGEST = 64;

/** The rows whose `column` is one of `keys`, in no order. */
export async function rowsByKey<Table extends SQLiteTable>(
  db: Db,
  table: Table,
  column: Column,
  keys: Iterable<string>,
): Promise<InferSelectModel<Table>[]> {
  const rows: unknown[] = [];
  for (const some of pieces([...new Set(keys)])) {
    const found = await db
      .select()
      .from(table as SQLiteTable)
      .where(inArray(column, some));
    rows.push(...found);
  }
  return rows as InferSelectModel<Table>[];
}

/** Adds rows; where one with the same key stands already, all its other columns are replaced. Keys must not repeat. */
export async function putRows<Table extends SQLiteTable>(
  db: Db,
  table: Table,
  key: readonly Column[],
  rows: readonly InferInsertModel<Table>[],
): Promise<void> {
  const others = Object.entries(getTableColumns(table)).filter(([, column]) => !key.includes(column));
  const set = Object.fromEntries(others.map(([name, column]) => [name, sql.raw(`excluded."${column.name}"`)]));
  for (const some of pieces(rows))
    await db
      .insert(table as SQLiteTable)
      .values(some as Record<string, unknown>[])
      .onConflictDoUpdate({ target: [...key] as SQLiteColumn[], set })
      .execute();
}

/** Adds rows whose keys are new. CONFLICT when one is not. */
export async function addRows<Table extends SQLiteTable>(
  db: Db,
  table: Table,
  rows: readonly InferInsertModel<Table>[],
): Promise<void> {
  for (const some of pieces(rows)) await db.insert(table as SQLiteTable).values(some as Record<string, unknown>[]);
}

/** Cut into pieces of 64, 32, 16 … 1. */
export function pieces<Value>(values: readonly Value[]): Value[][] {
  const all: Value[][] = [];
  let length = LONGEST;
  for (let from = 0; from < values.length; from += length) {
    while (length > values.length - from) length /= 2;
    all.push(values.slice(from, from + length));
  }
  return all;
}
