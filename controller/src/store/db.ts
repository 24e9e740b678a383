/** What a query may use: one type for both databases. */
import type { BaseSQLiteDatabase } from "drizzle-orm/sqlite-core";
import type { DialectName } from "./dialect.ts";
import type { Tables } from "./schema.ts";

/**
 * drizzle's query builders and the tables they work on. Await a builder itself, or its `.execute()` where the linter sees
 * no promise; `.all()`, `.get()` and `.run()` exist on SQLite only. No raw SQL here, because its answers would differ.
 */
export type Db = Pick<
  BaseSQLiteDatabase<"async", unknown, Record<string, never>>,
  "select" | "selectDistinct" | "insert" | "update" | "delete" | "$count"
> & { readonly tables: Tables };

export type Store = {
  readonly dialect: DialectName;
  /** Reads what is committed; each query sees the newest, so two of them are not one moment. Cannot write. */
  read<T>(work: (db: Db) => Promise<T>): Promise<T>;
  /**
   * One transaction, on disk when the promise resolves, undone as a whole when `work` throws. One at a time, in the order
   * of the calls. A write inside a write is refused: hand the `db` on instead.
   * Throws what `work` throws; the database's own errors come as ControllerError: CONFLICT (a key is taken or missing),
   * UNAVAILABLE (disk full, connection lost), DATABASE_DAMAGED, DATABASE_IN_USE.
   * `onOrdered` is called when a write that is asked for from then on comes behind this one, though this one is not on disk:
   * on SQLite it is committed then, on PostgreSQL it may still fail, and the other finds nothing of it.
   */
  write<T>(work: (db: Db) => Promise<T>, onOrdered?: () => void): Promise<T>;
  /** Waits for the writes under way, then lets the database go. */
  close(): Promise<void>;
};
