/**
 * Most runs are backups that completed, most backups are completed increments of a machine's first disk. An index by such
 * a value finds what the order by time finds as soon, and costs each result that a host tells one more place to be written.
 * So indexes are kept of the other values only; a query has to say that it is about one of them to be let in.
 */
import { and, type Column, eq, type SQL, sql } from "drizzle-orm";

const COMMON = {
  runKind: "backup",
  runState: "completed",
  backupStatus: "completed",
  backupType: "incremental",
  diskId: 0,
} as const;
export type Uncommon = keyof typeof COMMON;

/** Said with the value itself: which index may be used is decided before parameters are known. */
export function isUncommon(which: Uncommon, column: Column): SQL {
  const common = COMMON[which];
  return sql`${column} <> ${sql.raw(typeof common === "string" ? `'${common}'` : `${common}`)}`;
}

/** `column` has this value, in the words by which an index of uncommon values is found. */
export function hasValue(which: Uncommon, column: Column, value: string | number): SQL | undefined {
  return value === COMMON[which] ? eq(column, value) : and(eq(column, value), isUncommon(which, column));
}
