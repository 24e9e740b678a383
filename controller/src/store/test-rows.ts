import { getTableColumns, type InferInsertModel } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { addRows } from "./bulk.ts";
import type { Db } from "./db.ts";

/** Adds rows for a test that asks for nothing back. */
export async function seedRows<Table extends SQLiteTable>(
  db: Db,
  table: Table,
  rows: readonly InferInsertModel<Table>[],
): Promise<void> {
  await addRows(db, table, rows, getTableColumns(table as SQLiteTable));
}
